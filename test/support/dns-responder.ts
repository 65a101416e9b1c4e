/** A name server for one test: answers A, AAAA, MX and TXT over UDP from a table. RFC 1035. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** What a name has. A name that is not in the table does not exist. */
interface DnsName {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly txt?: readonly string[];
  /** Seconds; 1 if absent. */
  readonly ttl?: number;
  /** Preference and host; the host '' is the null MX. */
  readonly mx?: readonly (readonly [number, string])[];
  /** The server fails: SERVFAIL. */
  readonly fails?: boolean;
}

const type = { A: 1, MX: 15, TXT: 16, AAAA: 28 } as const;

/**
 * Starts a responder on loopback; gives its `host:port`. The table may change while it runs; `onQuestion` gets every name
 * that is asked for.
 */
export async function startDns(
  names: Readonly<Record<string, DnsName>>,
  onQuestion: (name: string) => void = () => undefined,
): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) =>
    socket.send(answer(query, names, onQuestion), port, address),
  );
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

function answer(
  query: Buffer,
  names: Readonly<Record<string, DnsName>>,
  onQuestion: (name: string) => void,
): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const question = query.subarray(12, at + 5);
  const asked = query.readUInt16BE(at + 1);
  const name = names[labels.join('.').toLowerCase()];
  onQuestion(labels.join('.').toLowerCase());
  const records = name === undefined ? [] : recordsOf(name, asked);
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  const code = name === undefined ? 3 : name.fails === true ? 2 : 0;
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, question, ...records.map((data) => recordOf(asked, data, name?.ttl ?? 1))]);
}

function recordsOf(
  { a = [], aaaa = [], mx = [], txt = [], fails = false }: DnsName,
  asked: number,
): readonly Buffer[] {
  if (fails) return [];
  if (asked === type.A) return a.map((address) => Buffer.from(address.split('.').map(Number)));
  if (asked === type.AAAA) return aaaa.map(addressOf6);
  if (asked === type.TXT) return txt.map(stringsOf);
  if (asked !== type.MX) return [];
  return mx.map(([preference, host]) => {
    const number = Buffer.alloc(2);
    number.writeUInt16BE(preference);
    return Buffer.concat([number, nameOf(host)]);
  });
}

function recordOf(asked: number, data: Buffer, ttl: number): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(asked, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function nameOf(host: string): Buffer {
  const labels = host === '' ? [] : host.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])),
    Buffer.of(0),
  ]);
}

/** Eight groups, of which one `::` may stand for those that are zero. */
function addressOf6(address: string): Buffer {
  const [head = [], tail = []] = address
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  const bytes = Buffer.alloc(16);
  for (const [n, group] of groups.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * n);
  return bytes;
}

/** In strings of at most 255 bytes. */
function stringsOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  const count = Math.max(1, Math.ceil(bytes.length / 255));
  const strings = Array.from({ length: count }, (_, n) => bytes.subarray(255 * n, 255 * (n + 1)));
  return Buffer.concat(strings.flatMap((string) => [Buffer.of(string.length), string]));
}
