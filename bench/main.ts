/**
 * `npm run bench [name...]`: all benches, or those named, one after the other, each in a process of its own. What they
 * measure is said in each file. Machines differ and are shared: compare only figures of one run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const names = [
  'smtp',
  'sync',
  'push',
  'many-devices',
  'idle',
  'store',
  'wbxml',
  'mime',
  'search',
  'large-mailbox',
  'directory',
];
/** What ActiveSync costs: `npm run bench:eas`. */
const eas = ['sync', 'push', 'many-devices', 'idle', 'wbxml'];

const wanted = process.argv.slice(2).flatMap((name) => (name === 'eas' ? eas : name));
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench ${unknown.join(', ')}. There are: ${names.join(', ')}.`);
  process.exit(2);
}
for (const name of names.filter((one) => wanted.length === 0 || wanted.includes(one))) {
  console.log(`\n== ${name}`);
  const bench = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`)], { stdio: 'inherit' });
  const [code] = await once(bench, 'exit');
  if (code !== 0) {
    console.error(`${name} failed`);
    process.exitCode = 1;
  }
}
