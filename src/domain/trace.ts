import { domainToASCII } from 'node:url';

/** Where a message came from, for its Received field. RFC 5321 §4.4. */
export interface Received {
  /** What the client said in HELO or EHLO, and its IP address; absent when the message was made here. */
  readonly from?: { readonly name: string; readonly address: string } | undefined;
  /** Our own host name. */
  readonly by: string;
  /** ESMTP, ESMTPS ... (RFC 3848), or another atom. */
  readonly protocol: string;
  /** The TLS version and cipher, where there was TLS. */
  readonly tls?: string | undefined;
  readonly id: string;
  /** The recipient; only where there is one alone, so that nobody learns of the others. */
  readonly for?: string | undefined;
  readonly atMs: number;
}

/** The Received field with its line end, ready to be put in front of a message. */
export function receivedField({ from, by, protocol, tls, id, for: recipient, atMs }: Received): string {
  const clauses = [
    ...(from ? [`from ${hostOf(from.name, from.address)} (${literal(from.address)})`] : []),
    `by ${by} with ${protocol}${tls === undefined ? '' : ` (${tls})`}`,
    `id ${id}${recipient === undefined ? '' : ` for <${recipient}>`}; ${dateTime(atMs)}`,
  ];
  return `Received: ${clauses.join('\r\n\t')}\r\n`;
}

/** The Return-Path field: the reverse-path as it was given, '' for the null one. RFC 5321 §4.4. */
export function returnPathField(reversePath: string): string {
  return `Return-Path: <${reversePath}>\r\n`;
}

/** The trace fields of a message with further fields behind its Return-Path. RFC 8601 §5: above Received. */
export function withFields(head: string, fields: string): string {
  const behind = head.startsWith('Return-Path:') ? head.indexOf('\n') + 1 : 0;
  return head.slice(0, behind) + fields + head.slice(behind);
}

/** How many bytes the Return-Path field at the beginning has: other servers get the message without it. RFC 5321 §4.4. */
export function returnPathBytes(head: string): number {
  return head.startsWith('Return-Path:') ? Buffer.byteLength(head.slice(0, head.indexOf('\n') + 1)) : 0;
}

/** An address with its domain as an A-label, for a transaction without SMTPUTF8. RFC 6531 §3.2. */
export function withAsciiDomain(address: string): string {
  if (isAscii.test(address)) return address;
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  return domain.startsWith('[') ? address : address.slice(0, at + 1) + (domainToASCII(domain) || domain);
}

const isAscii = /^[\x20-\x7e]*$/;

/** What a client says of itself is printed only if it is a domain or an address literal. */
const saidHost = /^(?:[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|\[[a-z0-9.:-]{2,64}\])$/i;

function hostOf(said: string, address: string): string {
  return saidHost.test(said) ? said : literal(address);
}

/** RFC 5321 §4.1.3. */
function literal(address: string): string {
  return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;
}

/** RFC 5322 §3.3, in UTC. */
function dateTime(atMs: number): string {
  return new Date(atMs).toUTCString().replace('GMT', '+0000');
}
