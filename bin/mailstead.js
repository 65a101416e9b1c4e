#!/usr/bin/env node
// Runs Mailstead on the Node that is installed with it, whichever Node is on the path. Plain JavaScript: it must run on old ones.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

function bundledNode() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
  } catch {
    console.error('mailstead: its Node is not installed. Run "npm ci" in the folder of Mailstead.');
    process.exit(1);
  }
}

// As in the package's `start`: password hashes give their memory back, the heap does not keep what a rush took, and the
// buffers of large messages that pass do not bring about whole collections.
const env = { MALLOC_MMAP_THRESHOLD_: '1048576', ...process.env };
const options = [
  '--max-semi-space-size=12',
  '--initial-old-space-size=128',
  '--external-memory-accounted-in-global-limit',
];
const child = spawn(bundledNode(), [...options, main, ...process.argv.slice(2)], { stdio: 'inherit', env });

// A signal to the process group reaches both; the server counts it once.
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
for (const signal of signals) process.on(signal, () => child.kill(signal));

child.on('error', (error) => {
  console.error(
    `mailstead: its Node cannot be started (${error.message}). Run "npm ci" in the folder of Mailstead.`,
  );
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  if (signal === null) {
    process.exitCode = code ?? 1;
    return;
  }
  for (const name of signals) process.removeAllListeners(name);
  process.kill(process.pid, signal);
});
