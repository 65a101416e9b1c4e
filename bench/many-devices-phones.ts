/** A process full of phones, for bench/many-devices.ts: they set themselves up, then all synchronise at once. */
import { Phone } from './support/phone.ts';
import type { User } from './support/site.ts';

/** What the bench asks: phones of users are set up, or each makes one Sync. */
export type Order =
  | {
      readonly do: 'set-up';
      readonly baseUrl: string;
      readonly ca: string;
      readonly users: readonly User[];
      readonly devicesPerUser: number;
    }
  | { readonly do: 'sync' };

/** Milliseconds of each Sync. */
export interface Report {
  readonly ms: readonly number[];
}

const setUpAtOnce = 8;
const phones: { readonly phone: Phone; readonly inbox: string }[] = [];

process.on('message', (order: Order) => {
  obey(order).then(
    (ms) => process.send?.({ ms } satisfies Report),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());

async function obey(order: Order): Promise<number[]> {
  if (order.do === 'sync') {
    const answers = await Promise.all(phones.map(({ phone, inbox }) => phone.sync(inbox, 100)));
    return answers.map(({ ms }) => ms);
  }
  const { baseUrl, ca, users, devicesPerUser } = order;
  const rest = users
    .flatMap((user) => Array.from({ length: devicesPerUser }, (_, n) => ({ user, deviceId: `BENCH${n}` })))
    .values();
  const worker = async () => {
    for (const { user, deviceId } of rest) {
      const phone = new Phone({ baseUrl, ca, user, deviceId });
      const inbox = await phone.setUp();
      await phone.prime(inbox);
      phones.push({ phone, inbox });
    }
  };
  await Promise.all(Array.from({ length: setUpAtOnce }, worker));
  return [];
}
