/** A bare node:https server that reads requests and answers none: what holding a connection costs at least. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [certFile = '', keyFile = ''] = process.argv.slice(2);
const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request) => {
  request.resume();
});
server.listen(0, '127.0.0.1', () => {
  const bound = server.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  process.stdout.write(`ready {"https":"127.0.0.1:${port}"}\n`);
});
