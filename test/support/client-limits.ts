import type { Clock } from '#domain/outside';
import { ClientLimits } from '#protocols/smtp/client-limits';

type Options = ConstructorParameters<typeof ClientLimits>[0];

/** Limits that no test meets unless it says so; loopback has them like every address. */
export function clientLimits(clock: Clock, options: Partial<Options> = {}): ClientLimits {
  const generous = {
    maxConnections: 10_000,
    maxConnectionsPerIp: 10_000,
    connectionsPerMinute: 1e6,
    messagesPerMinute: 1e6,
    isLoopbackExempt: false,
  };
  return new ClientLimits({ ...generous, ...options }, clock);
}
