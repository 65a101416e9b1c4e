import { Authenticator } from '#protocols/smtp/authentication/authenticator';
import { silentLogger } from '#telemetry/log';
import { systemOutside } from '../../src/outside.ts';

type Parts = ConstructorParameters<typeof Authenticator>[0];

/** An authenticator that takes every client for one of ours, and asks nobody, unless it is told otherwise. */
export function ownAuthenticator(hostname: string, parts: Partial<Parts> = {}): Authenticator {
  return new Authenticator({
    resolve: async () => Promise.reject(new Error('there is no DNS here')),
    clock: systemOutside.clock,
    log: silentLogger,
    hostname,
    timeoutMs: 1_000,
    trustedNetworks: ['0.0.0.0/0', '::/0'],
    trustedSealers: [],
    reserved: new Set(),
    ...parts,
  });
}
