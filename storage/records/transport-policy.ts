/** The codec of other domains' MTA-STS policies. */
import type { TransportPolicy } from '#domain/transport-policy';
import { packedCodec } from './packed.ts';

type TransportPolicyTuple = [string, TransportPolicy['mode'], readonly string[], number, number];
export const transportPolicyCodec = packedCodec<TransportPolicy, TransportPolicyTuple>(
  ({ id, mode, mx, fetchedMs, expiresMs }) => [id, mode, mx, fetchedMs, expiresMs],
  ([id, mode, mx, fetchedMs, expiresMs]) => ({ id, mode, mx, fetchedMs, expiresMs }),
);
