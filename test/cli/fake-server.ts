import { loadConfig } from '#config/load';
import { CertificateError } from '#protocols/http/certificate';
import { StoreInUseError } from '#storage/leveldb/errors';
import { serve } from '../../src/serve.ts';

/** A process with the life-cycle of the real one around a server that does as its argument says. */
const [, , behaviour = ''] = process.argv;
const config = loadConfig({ data: '/fake/data', env: { MAILSTEAD_LOG_LEVEL: 'error' }, cwd: '/' });
// A listener of a real server keeps the process alive.
const listener = setInterval(() => undefined, 1_000_000);

const code = await serve(config, async () => {
  if (behaviour === 'in-use') throw new StoreInUseError('another server has it open');
  if (behaviour === 'no-certificate') throw new CertificateError('✖ No such file → at tls.cert');
  if (behaviour === 'unwritable') throw Object.assign(new Error('EACCES'), { path: '/fake/data/store' });
  if (behaviour === 'no-port') throw new Error('listen EADDRINUSE');
  return {
    start: async () => undefined,
    stop: async () => {
      process.stdout.write('stopping\n');
      if (behaviour === 'slow-stop') await new Promise(() => undefined);
      clearInterval(listener);
    },
    addresses: { smtp: '127.0.0.1:2525' },
    setupText: behaviour === 'first-start' ? 'Welcome' : undefined,
  };
});
process.exit(code);
