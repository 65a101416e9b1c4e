import type { Clock } from '#domain/outside';
import { RecentMap } from './recent-map.ts';

const windowMs = 10 * 60 * 1000;
const refusalMs = 15 * 60 * 1000;
/** Failures for one address from one client, and from one client in all, after which answers wait. */
const freeForAddress = 5;
const freeForClient = 50;
/** Failures from one client after which it is refused. */
const refusedAfter = 100;
const firstWaitMs = 1_000;
const longestWaitMs = 30_000;
/** Beyond so many failures waiting grows no longer. */
const countedForAddress = freeForAddress + Math.ceil(Math.log2(longestWaitMs / firstWaitMs)) + 1;
const maxClients = 20_000;
const maxPairs = 50_000;

interface ClientFailures {
  readonly at: number[];
  refusedUntilMs: number;
}

/**
 * Throttle slows down whoever guesses passwords: after 5 failures in 10 minutes for one address from one client, or
 * 50 from one client, answers wait 1 s, doubling with each failure to 30 s; after 100 the client is refused for 15
 * minutes. Other clients are not touched. What it remembers is bounded: the client silent for longest is forgotten.
 */
export class Throttle {
  readonly #clock: Clock;
  readonly #clients = new RecentMap<string, ClientFailures>(maxClients);
  readonly #pairs = new RecentMap<string, number[]>(maxPairs);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long this client is refused yet; 0 if it is not. */
  refusedMs(client: string): number {
    const failures = this.#clients.get(client);
    return failures === undefined ? 0 : Math.max(0, failures.refusedUntilMs - this.#clock.now());
  }

  /** How long an answer to this client about this address is to wait. */
  waitMs(client: string, address: string): number {
    const forAddress = this.#recent(this.#pairs.get(pairOf(client, address))) - freeForAddress;
    const forClient = this.#recent(this.#clients.get(client)?.at) - freeForClient;
    return Math.max(waitAfter(forAddress), waitAfter(forClient));
  }

  failed(client: string, address: string): void {
    const now = this.#clock.now();
    const pair = pairOf(client, address);
    this.#pairs.set(pair, added(this.#pairs.get(pair), now, countedForAddress));
    const before = this.#clients.get(client);
    const at = added(before?.at, now, refusedAfter);
    const refused = this.#recent(at) >= refusedAfter;
    this.#clients.set(client, {
      // Who has been refused starts again from nothing when the time is over.
      at: refused ? [] : at,
      refusedUntilMs: refused ? now + refusalMs : (before?.refusedUntilMs ?? 0),
    });
  }

  /** A right password ends the waiting for this address; what the client did to others still counts. */
  succeeded(client: string, address: string): void {
    this.#pairs.delete(pairOf(client, address));
  }

  #recent(at: readonly number[] | undefined): number {
    const since = this.#clock.now() - windowMs;
    return at?.filter((failedMs) => failedMs > since).length ?? 0;
  }
}

/** `beyond` counts failures beyond those that are free, from 0 for the last free one. */
function waitAfter(beyond: number): number {
  return beyond < 0 ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** beyond);
}

function added(at: readonly number[] | undefined, now: number, most: number): number[] {
  return [...(at ?? []), now].slice(-most);
}

function pairOf(client: string, address: string): string {
  return `${client} ${address}`;
}

/**
 * clientOf is what counts as one client: an IPv4 address, or the /64 an IPv6 address lies in, for its holder has all
 * of it (RFC 4291 §2.5.4). IPv4-mapped addresses are their IPv4 address.
 */
export function clientOf(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1];
  if (mapped !== undefined || !ip.includes(':')) return mapped ?? ip;
  const [head = '', tail] = ip.toLowerCase().replace(/%.*$/, '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
