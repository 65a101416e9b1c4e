import { Evaluation, type EvaluationParts, type Origin } from './evaluation.ts';
import { InboundHeader } from './inbound-header.ts';
import { Networks } from './trusted.ts';

interface AuthenticatorParts extends EvaluationParts {
  /** Clients whose mail is taken as it is. */
  readonly trustedNetworks: readonly string[];
  /** Names of fields, in lower case, that nobody outside may write. */
  readonly reserved: ReadonlySet<string>;
}

/** Authenticator finds out where mail from other servers comes from. */
export class Authenticator {
  readonly #parts: AuthenticatorParts;
  readonly #trusted: Networks;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    this.#trusted = new Networks(parts.trustedNetworks);
  }

  /** Begins with a message: what its header has to pass through. */
  begin(origin: Origin): InboundHeader {
    const { hostname, reserved } = this.#parts;
    const evaluation = this.#trusted.has(origin.ip) ? undefined : new Evaluation(this.#parts, origin);
    return new InboundHeader({ hostname, reserved, evaluation });
  }
}
