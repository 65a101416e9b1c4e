/** A name server for one test: answers from a table, over UDP and TCP on one port of loopback. RFC 1035. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a name has. A name that is not in the table does not exist. */
export interface DnsName {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  /** Preference and host; the host '' is the null MX. */
  readonly mx?: readonly (readonly [number, string])[];
  /** A text of more than 255 bytes is cut into several strings, as the keys of DKIM are. */
  readonly txt?: readonly string[];
  readonly ptr?: readonly string[];
  /** The hosts of the name servers of the zone that begins here. */
  readonly ns?: readonly string[];
  /** The zone begins here. */
  readonly soa?: boolean;
  /** Priority, weight, port and target; the target '' is none. */
  readonly srv?: readonly (readonly [number, number, number, string])[];
  /** The name is another one's; its records come along as far as the table has them. */
  readonly cname?: string;
  /** Seconds; 1 if absent. */
  readonly ttl?: number;
  /** The server fails: SERVFAIL. */
  readonly fails?: boolean;
  /** The server never answers. */
  readonly silent?: boolean;
  /** The answer comes so late. */
  readonly delayMs?: number;
  /** Over UDP the answer is cut: only TCP has it. */
  readonly truncated?: boolean;
}

type Zone = Readonly<Record<string, DnsName>>;

const type = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33 } as const;

/** RFC 1035 §4.2.1. */
const maxUdpBytes = 512;

/** On loopback; port 0 is any free one. */
interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * Starts a responder on loopback; gives its `host:port`. The table may change while it runs; `onQuestion` gets every name
 * that is asked for. Several name servers of a zone are at other addresses with the same port.
 */
export async function startDns(
  names: Zone,
  onQuestion: (name: string) => void = () => undefined,
  at: Place = { host: '127.0.0.1', port: 0 },
): Promise<string> {
  const socket = createSocket('udp4');
  const tcp = createServer((connection) => {
    connection.on('error', () => connection.destroy());
    let held: Buffer = Buffer.alloc(0);
    connection.on('data', (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
        const query = held.subarray(2, 2 + held.readUInt16BE(0));
        held = held.subarray(2 + query.length);
        const send = (reply: Buffer) => connection.write(Buffer.concat([uint16(reply.length), reply]));
        respond(query, names, { send, onQuestion, maxBytes: 65_535 });
      }
    });
  });
  tcp.listen(at.port, at.host);
  await once(tcp, 'listening');
  const bound = tcp.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  socket.on('message', (query, from) => {
    const send = (reply: Buffer) => {
      if (!isClosed) socket.send(reply, from.port, from.address);
    };
    respond(query, names, { send, onQuestion, maxBytes: maxUdpBytes });
  });
  let isClosed = false;
  socket.bind(port, at.host);
  await once(socket, 'listening');
  onTestFinished(() => {
    isClosed = true;
    socket.close();
    tcp.close();
  });
  return `${at.host}:${port}`;
}

interface Asker {
  readonly send: (reply: Buffer) => void;
  readonly onQuestion: (name: string) => void;
  readonly maxBytes: number;
}

function respond(query: Buffer, names: Zone, { send, onQuestion, maxBytes }: Asker): void {
  const { labels, end } = questionOf(query);
  onQuestion(labels);
  const first = names[labels];
  if (first?.silent === true) return;
  const isUdp = maxBytes === maxUdpBytes;
  const reply = answer(query, names, { labels, end, isCut: isUdp && first?.truncated === true, maxBytes });
  if (first?.delayMs === undefined) send(reply);
  else setTimeout(send, first.delayMs, reply).unref();
}

interface Question {
  /** The name in lower case, with dots. */
  readonly labels: string;
  /** Where the name ends. */
  readonly end: number;
}

function questionOf(query: Buffer): Question {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { labels: labels.join('.').toLowerCase(), end: at };
}

interface Asked extends Question {
  readonly isCut: boolean;
  readonly maxBytes: number;
}

function answer(query: Buffer, names: Zone, { labels, end, isCut, maxBytes }: Asked): Buffer {
  const question = query.subarray(12, end + 5);
  const asked = query.readUInt16BE(end + 1);
  const { records, code } = lookUp(labels, asked, names);
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  const whole = Buffer.concat([header, question, ...records]);
  if (!isCut && whole.length <= maxBytes) return whole;
  // TC: the client is to ask again over TCP.
  header.writeUInt16BE(0x8380 | code, 2);
  header.writeUInt16BE(0, 6);
  return Buffer.concat([header, question]);
}

/** The records of a name and of what it is another name of. */
function lookUp(
  name: string,
  asked: number,
  names: Zone,
): { readonly records: readonly Buffer[]; readonly code: number } {
  const records: Buffer[] = [];
  let owner = name;
  for (let steps = 0; steps < 8; steps++) {
    const found = names[owner];
    if (found === undefined) return { records, code: 3 };
    if (found.fails === true) return { records: [], code: 2 };
    if (found.cname === undefined || asked === type.CNAME) {
      const data = recordsOf(found, asked).map((one) => recordOf(owner, asked, one, found.ttl));
      return { records: [...records, ...data], code: 0 };
    }
    records.push(recordOf(owner, type.CNAME, nameOf(found.cname), found.ttl));
    owner = found.cname.toLowerCase();
  }
  return { records: [], code: 2 };
}

function recordsOf(
  { a = [], aaaa = [], mx = [], txt = [], ptr = [], ns = [], srv = [], soa, cname }: DnsName,
  asked: number,
): readonly Buffer[] {
  switch (asked) {
    case type.A:
      return a.map((address) => Buffer.from(address.split('.').map(Number)));
    case type.AAAA:
      return aaaa.map(ipv6Of);
    case type.MX:
      return mx.map(([preference, host]) => Buffer.concat([uint16(preference), nameOf(host)]));
    case type.TXT:
      return txt.map(stringsOf);
    case type.PTR:
      return ptr.map(nameOf);
    case type.NS:
      return ns.map(nameOf);
    case type.SOA:
      return soa === true ? [Buffer.concat([nameOf('ns.test'), nameOf('admin.test'), Buffer.alloc(20)])] : [];
    case type.SRV:
      return srv.map(([priority, weight, port, target]) =>
        Buffer.concat([...[priority, weight, port].map(uint16), nameOf(target)]),
      );
    case type.CNAME:
      return cname === undefined ? [] : [nameOf(cname)];
    default:
      return [];
  }
}

function recordOf(owner: string, asked: number, data: Buffer, ttl = 1): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(asked, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(ttl, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameOf(owner), head, data]);
}

function nameOf(host: string): Buffer {
  const labels = host === '' ? [] : host.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])),
    Buffer.of(0),
  ]);
}

/** RFC 1035 §3.3.14: strings of at most 255 bytes. */
function stringsOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at === 0 || at < bytes.length; at += 255) {
    const piece = bytes.subarray(at, at + 255);
    strings.push(Buffer.of(piece.length), piece);
  }
  return Buffer.concat(strings);
}

/** RFC 4291 §2.2, without the form that ends with dots. */
function ipv6Of(address: string): Buffer {
  const [before = '', after] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number(`0x${group}`)));
  const [head, tail] = [groups(before), groups(after ?? '')];
  const zeros: number[] = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Buffer.concat([...head, ...zeros, ...tail].map(uint16));
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
