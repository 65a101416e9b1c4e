import { clientOf } from '#directory/throttle';
import type { Clock } from '#domain/outside';
import { RateLimit } from './rate-limit.ts';
import type { Reply } from './reply.ts';

interface ClientLimitOptions {
  /** Of all clients together. */
  readonly maxConnections: number;
  /** Of one client address, at a time and begun in a minute. */
  readonly maxConnectionsPerIp: number;
  readonly connectionsPerMinute: number;
  /** Messages that one client address may begin in a minute. */
  readonly messagesPerMinute: number;
  /** False: loopback has the limits of every address. */
  readonly isLoopbackExempt: boolean;
}

const minuteMs = 60_000;
/** The /64 of ::1. */
const loopbackIPv6 = '0:0:0:0::/64';
const serverFull: Reply = { code: 421, enhanced: '4.3.2', text: 'Too many connections, try again later' };
const clientFull: Reply = { code: 421, enhanced: '4.7.0', text: 'Too many connections from your address' };
const tooOften: Reply = { code: 421, enhanced: '4.7.0', text: 'Your address connects too often' };

/**
 * ClientLimits counts what comes from each client address, over all listeners it is given to. IPv6 addresses are counted
 * by their /64: one host has as many of those as it likes. It holds one entry for each address that is connected, and
 * a bounded number of the others; every question is answered in constant time.
 */
export class ClientLimits {
  readonly #options: ClientLimitOptions;
  readonly #counts = new Map<string, number>();
  readonly #connections: RateLimit;
  readonly #messages: RateLimit;
  #total = 0;

  constructor(options: ClientLimitOptions, clock: Clock) {
    this.#options = options;
    this.#connections = new RateLimit(options.connectionsPerMinute, minuteMs, clock);
    this.#messages = new RateLimit(options.messagesPerMinute, minuteMs, clock);
  }

  /** Counts a connection that begins; gives the reply, and does not count it, if it is one too many. */
  enter(address: string): Reply | undefined {
    const { maxConnections, maxConnectionsPerIp } = this.#options;
    if (this.#total >= maxConnections) return serverFull;
    const client = clientOf(address);
    const count = this.#counts.get(client) ?? 0;
    if (!this.#isExempt(client)) {
      if (count >= maxConnectionsPerIp) return clientFull;
      if (!this.#connections.take(client)) return tooOften;
    }
    this.#total++;
    this.#counts.set(client, count + 1);
    return undefined;
  }

  /** A connection that entered has gone. */
  leave(address: string): void {
    const client = clientOf(address);
    const count = this.#counts.get(client) ?? 0;
    this.#total--;
    if (count > 1) this.#counts.set(client, count - 1);
    else this.#counts.delete(client);
  }

  /** Counts a message that begins; false, and not counted, if it is one too many. */
  takeMessage(address: string): boolean {
    const client = clientOf(address);
    return this.#isExempt(client) || this.#messages.take(client);
  }

  #isExempt(client: string): boolean {
    return this.#options.isLoopbackExempt && (client === loopbackIPv6 || client.startsWith('127.'));
  }
}
