import { availableParallelism } from 'node:os';

// libuv reads this once, when the first job enters its pool, which loading the files below already does: so it comes
// first, and they are imported after it. Eight, because a slow disk must not hold up password hashes and look-ups.
const threads = Math.max(8, availableParallelism(), Number(process.env['UV_THREADPOOL_SIZE']) || 0);
process.env['UV_THREADPOOL_SIZE'] = String(threads);

const { runCli } = await import('./cli/program.ts');

// Who pipes us into `head` has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  print: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
  hasColours: process.stdout.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
  env: process.env,
  cwd: whereTheUserStands(),
  serve: async (config) => {
    const [{ serve }, { createServer }] = await Promise.all([import('./serve.ts'), import('./server.ts')]);
    process.exit(await serve(config, createServer));
  },
  visit: async (options, signal) => {
    const { VisitingPhone } = await import('./visiting-phone.ts');
    return new VisitingPhone(options, signal);
  },
});

/** `npm start` and `npm run mailstead` change to the package's folder; npm tells where they were called. */
function whereTheUserStands(): string {
  const { npm_lifecycle_event: script, INIT_CWD: calledFrom } = process.env;
  return (script === 'start' || script === 'mailstead') && calledFrom ? calledFrom : process.cwd();
}
