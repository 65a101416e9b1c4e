/** A process full of phones, for bench/idle.ts: each has set itself up once, then only holds a Ping. */
import { connect, type TLSSocket } from 'node:tls';
import { wallClockMs } from './support/figures.ts';
import { Phone } from './support/phone.ts';
import type { User } from './support/site.ts';

/** What the bench asks: devices of users are made known to the server, or all send their Ping and wait. */
export type Order =
  | {
      readonly do: 'set-up';
      readonly baseUrl: string;
      readonly ca: string;
      readonly users: readonly User[];
      readonly devicesPerUser: number;
    }
  | { readonly do: 'ping'; readonly port: number; readonly ca: string }
  | { readonly do: 'hang-up' };

/** The answer to each order: what the Pings that did not wait were told, and when. */
export interface Report {
  readonly answers: readonly { readonly address: string; readonly at: number; readonly text: string }[];
}

const atOnce = 16;
const pings: { readonly bytes: Buffer; readonly address: string }[] = [];
let sockets: TLSSocket[] = [];
const answers: Report['answers'][number][] = [];

process.on('message', (order: Order) => {
  obey(order).then(
    () => process.send?.({ answers: answers.splice(0) } satisfies Report),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.once('disconnect', () => process.exit());

async function obey(order: Order): Promise<void> {
  switch (order.do) {
    case 'set-up': {
      const { baseUrl, ca, users, devicesPerUser } = order;
      const phones = users.flatMap((user) =>
        Array.from({ length: devicesPerUser }, (_, n) => {
          return { address: user.address, phone: new Phone({ baseUrl, ca, user, deviceId: `BENCH${n}` }) };
        }),
      );
      return await forEach(phones, setUp);
    }
    case 'ping':
      return await forEach(pings, (ping) => hold(order.port, order.ca, ping));
    case 'hang-up':
      for (const socket of sockets) socket.destroy();
      sockets = [];
  }
}

async function setUp({ phone, address }: { phone: Phone; address: string }): Promise<void> {
  const inbox = await phone.setUp();
  await phone.prime(inbox);
  phone.close();
  pings.push({ bytes: phone.pingBytes(inbox), address });
}

function hold(port: number, ca: string, { bytes, address }: (typeof pings)[number]): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca }, () => socket.write(bytes, () => resolve()));
    socket.on('error', reject);
    socket.on('data', (answer) =>
      answers.push({ address, at: wallClockMs(), text: answer.toString('latin1') }),
    );
    sockets.push(socket);
  });
}

async function forEach<T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> {
  const rest = things.values();
  const worker = async () => {
    for (const thing of rest) await work(thing);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
