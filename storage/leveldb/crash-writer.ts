/**
 * `node crash-writer.ts FOLDER FIRST`: opens the store and writes transactions from number FIRST on until it is
 * killed; prints each number on a line of its own once it is acknowledged, or the name of the error.
 */
import { partsOf, write, writers } from './crash-load.ts';
import { openLevelStore } from './open.ts';

const [folder = '', first = ''] = process.argv.slice(2);
let next = Number(first);

function die(error: unknown): never {
  process.stdout.write(`${error instanceof Error ? error.name : 'unknown'}\n`);
  process.exit(1);
}

const store = await openLevelStore(folder, { onFatal: die, writeBufferSize: 128 * 1024 }).catch(die);
for (let writer = 0; writer < writers; writer++) {
  void run();
}

async function run(): Promise<void> {
  for (;;) {
    const id = next++;
    await store.transact(partsOf(id), (tx) => write(tx, id)).catch(die);
    process.stdout.write(`${id}\n`);
  }
}
