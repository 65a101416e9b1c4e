/** Name servers that answer with what no name server should: nothing is proved by it, nothing lost, and no look hangs. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { checkRecords } from '#directory/domain-check';
import { seenNow } from '#directory/domain-look';
import { startDns } from '#test/support/dns-responder';
import { createPublishedRecords } from './published-records.ts';

const zone = 'example.com';
const hostname = '_mailstead.example.com';
const record = { purpose: 'OWNERSHIP', type: 'TXT', hostname: `${hostname}.`, value: 'token' } as const;
const domain = { name: zone, seen: new Set<string>(), isProved: true };
const [txt, soa, cname] = [16, 6, 5];

interface Hostile {
  /** The datagrams that answer a question; none: silence. */
  readonly udp: (query: Buffer) => readonly Buffer[];
  /** What happens to a connection. Absent: nobody listens. */
  readonly tcp?: (connection: Socket) => void;
}

/** A resolver that knows of one name server of example.com, which is hostile; and what a look makes of it. */
async function lookAt({ udp, tcp }: Hostile, cached: Record<string, object> = {}) {
  const resolver = await startDns({
    ...cached,
    [zone]: { ns: [`ns1.${zone}`] },
    [`ns1.${zone}`]: { a: ['127.0.0.2'] },
  });
  const port = Number(resolver.split(':')[1]);
  const socket = createSocket('udp4');
  let isClosed = false;
  socket.on('message', (query, from) => {
    for (const datagram of udp(query)) if (!isClosed) socket.send(datagram, from.port, from.address);
  });
  socket.bind(port, '127.0.0.2');
  await once(socket, 'listening');
  const connections = new Set<Socket>();
  const listener = createServer((connection) => {
    connections.add(connection);
    connection.on('error', () => connection.destroy());
    tcp?.(connection);
  });
  if (tcp !== undefined) {
    listener.listen(port, '127.0.0.2');
    await once(listener, 'listening');
  }
  onTestFinished(() => {
    isClosed = true;
    socket.close();
    listener.close();
    for (const connection of connections) connection.destroy();
  });
  const look = createPublishedRecords({ servers: [resolver], port, tryMs: 100 }).look();
  const [check] = await checkRecords(domain, [record], look);
  if (check === undefined) throw new Error('no check');
  return check;
}

const questionOf = (query: Buffer): Buffer => query.subarray(12, query.indexOf(0, 12) + 5);
const typeOf = (query: Buffer): number => query.readUInt16BE(query.indexOf(0, 12) + 1);

function header(query: Buffer, flags: number, answers = 0, others = 0): Buffer {
  const bytes = Buffer.alloc(12);
  query.copy(bytes, 0, 0, 2);
  bytes.writeUInt16BE(flags, 2);
  bytes.writeUInt16BE(1, 4);
  bytes.writeUInt16BE(answers, 6);
  bytes.writeUInt16BE(others, 8);
  return bytes;
}

/** An authoritative answer. */
const answer = (query: Buffer, records: readonly Buffer[]): Buffer =>
  Buffer.concat([header(query, 0x8580, records.length), questionOf(query), ...records]);

/** A record at the name that was asked for: RFC 1035 §4.1.4. */
const pointer = Buffer.of(0xc0, 12);
function rr(type: number, data: Buffer, owner = pointer): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, head, data]);
}
const text = (value: string) => rr(txt, Buffer.concat([Buffer.of(value.length), Buffer.from(value)]));
const name = (host: string) =>
  Buffer.concat([
    ...host.split('.').map((l) => Buffer.concat([Buffer.of(l.length), Buffer.from(l)])),
    Buffer.of(0),
  ]);
const start = rr(soa, Buffer.concat([name('ns.test'), name('admin.test'), Buffer.alloc(20)]));

/** Answers over TCP as over UDP, whatever the size. */
const overTcp =
  (reply: (query: Buffer) => Buffer) =>
  (connection: Socket): void => {
    connection.on('data', (chunk) => {
      const whole = reply(chunk.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(whole.length);
      connection.write(Buffer.concat([length, whole]));
    });
  };

const cut = (query: Buffer): Buffer[] => [Buffer.concat([header(query, 0x8780), questionOf(query)])];
const withId = (bytes: Buffer, id: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed.writeUInt16BE(id, 0);
  return changed;
};

const senseless: readonly (readonly [string, Hostile])[] = [
  ['nothing', { udp: () => [] }],
  ['empty datagrams', { udp: () => [Buffer.alloc(0)] }],
  ['one byte', { udp: () => [Buffer.of(1)] }],
  ['random bytes', { udp: (query) => [Buffer.concat([query.subarray(0, 2), randomBytes(300)])] }],
  [
    'the right token with another id',
    { udp: (query) => [withId(answer(query, [text('token')]), query.readUInt16BE(0) ^ 1)] },
  ],
  [
    'the right token to another question',
    {
      udp: (query) => {
        const other = Buffer.from(answer(query, [text('token')]));
        other.write('x', 13);
        return [other];
      },
    },
  ],
  [
    'a name that points at itself',
    { udp: (query) => [answer(query, [rr(txt, Buffer.of(1, 65), Buffer.of(0xc0, 33 + 7))])] },
  ],
  [
    'names that point at each other',
    {
      udp: (query) => {
        const at = 12 + questionOf(query).length;
        const loop = Buffer.of(0xc0, at + 2, 0xc0, at);
        return [answer(query, [rr(cname, Buffer.of(0xc0, at), loop)])];
      },
    },
  ],
  ['a string longer than its record', { udp: (query) => [answer(query, [rr(txt, Buffer.of(200, 65))])] }],
  [
    'records that are not there',
    { udp: (query) => [Buffer.concat([header(query, 0x8580, 65_535), questionOf(query)])] },
  ],
  ['SERVFAIL', { udp: (query) => [Buffer.concat([header(query, 0x8582), questionOf(query)])] }],
  ['REFUSED', { udp: (query) => [Buffer.concat([header(query, 0x8585), questionOf(query)])] }],
  ['NOTIMP', { udp: (query) => [Buffer.concat([header(query, 0x8584), questionOf(query)])] }],
  ['FORMERR', { udp: (query) => [Buffer.concat([header(query, 0x8581), questionOf(query)])] }],
  [
    'a referral to the root (lame)',
    {
      udp: (query) => [
        Buffer.concat([
          header(query, 0x8180, 0, 1),
          questionOf(query),
          rr(2, name('a.root.test'), Buffer.of(0)),
        ]),
      ],
    },
  ],
  [
    'no such name, of a zone that it does not have',
    { udp: (query) => [Buffer.concat([header(query, 0x8183), questionOf(query)])] },
  ],
  ['an answer that is cut, and TCP refused', { udp: cut }],
  ['an answer that is cut, and TCP that closes', { udp: cut, tcp: (connection) => connection.destroy() }],
  ['an answer that is cut, and TCP that is silent', { udp: cut, tcp: () => undefined }],
  [
    'an answer that is cut, and TCP that stops in the middle',
    { udp: cut, tcp: (connection) => void connection.write(Buffer.of(0xff, 0xff, 1, 2, 3)) },
  ],
];

test.each(senseless)(
  'a name server that answers %s proves nothing and takes nothing away',
  async (_what, hostile) => {
    const check = await lookAt(hostile);
    expect(check.status).not.toBe('VERIFIED');
    expect(seenNow(check)).toBeUndefined();
  },
);

test.each([
  [
    'a TXT of 60 KiB',
    [
      Buffer.concat(
        Array.from({ length: 240 }, () => Buffer.concat([Buffer.of(250), Buffer.alloc(250, 65)])),
      ),
    ],
  ],
  ['4,000 records', Array.from({ length: 4_000 }, () => Buffer.of(1, 65))],
  ['strings without a character', [Buffer.of(0, 0, 0)]],
  ['bytes that are no text', [Buffer.concat([Buffer.of(200), Buffer.alloc(200, 0xff)])]],
])('%s is another value, and shown within bounds', async (_what, values) => {
  const reply = (query: Buffer) =>
    answer(query, typeOf(query) === soa ? [start] : values.map((one) => rr(txt, one)));
  const check = await lookAt({ udp: cut, tcp: overTcp(reply) });
  expect(check.status).toBe('INCONSISTENT');
  expect(check.found.length).toBeLessThanOrEqual(10);
  for (const one of check.found) expect(one.length).toBeLessThanOrEqual(1_000);
});

test('a wildcard without the token says that it is gone; a name that is another one in a circle says nothing', async () => {
  const wildcard = (query: Buffer) => [
    answer(query, typeOf(query) === txt ? [text('v=spf1 -all')] : [start]),
  ];
  expect(seenNow(await lookAt({ udp: wildcard }))).toBe(false);
  const circle = (query: Buffer) => [
    answer(query, [typeOf(query) === soa ? start : rr(cname, name('loop.test'))]),
  ];
  const names = { 'loop.test': { cname: 'pool.test' }, 'pool.test': { cname: 'loop.test' } };
  expect(seenNow(await lookAt({ udp: circle }, names))).toBeUndefined();
});

test('a token that a DNAME leads to counts (RFC 6672)', async () => {
  const [target, dname] = ['_mailstead.example.net', 39];
  const token = rr(txt, Buffer.from('\x05token'), name(target));
  const udp = (query: Buffer) => [
    answer(query, [rr(dname, name('example.net'), name(zone)), rr(cname, name(target)), token]),
  ];
  expect(await lookAt({ udp })).toMatchObject({ status: 'VERIFIED', found: ['token'] });
});
