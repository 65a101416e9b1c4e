import type { OutboundRecipient } from '#domain/outbound';
import type { Outcome } from '#domain/outside';

/** ConnectError: no session with the server came about. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  /** RFC 3463: 4.7.4 and 4.7.5 where TLS did not come about as it has to. */
  readonly status: '4.4.1' | '4.7.4' | '4.7.5';

  constructor(message: string, status: ConnectError['status'] = '4.4.1', options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** What becomes of a recipient whose session ended before anything was known of it. */
export function lostConnection({ address }: OutboundRecipient): Outcome {
  return { address, kind: 'deferred', status: '4.4.2', text: 'The connection was lost' };
}
