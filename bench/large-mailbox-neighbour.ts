/** A neighbour's phone, in a thread of its own: Syncs with nothing new, one after the other, and tells how long each took. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Phone } from './support/phone.ts';

const pauseMs = 10;

const phone = new Phone(workerData);
await phone.prime(await phone.setUp());
await phone.sync('1', 512);
while ((await phone.sync('1', 512)).more);
for (;;) {
  parentPort?.postMessage((await phone.sync('1', 512)).ms);
  await sleep(pauseMs);
}
