/** What a check of a message's origin came to. RFC 8601 §2.7. */
export type AuthenticationResult =
  | 'none'
  | 'pass'
  | 'fail'
  | 'softfail'
  | 'neutral'
  | 'policy'
  | 'temperror'
  | 'permerror';

/** What the domain of an author asks for when a message fails. RFC 9989 §4.7. */
export type DmarcPolicy = 'none' | 'quarantine' | 'reject';

/** What was found out about where a message comes from. Domains are A-labels in lower case. */
export interface AuthenticationVerdicts {
  /** Of MAIL FROM, of HELO if that is the null one. */
  readonly spf: { readonly result: AuthenticationResult; readonly domain: string };
  /** The best result, and the domains whose signatures pass. */
  readonly dkim: { readonly result: AuthenticationResult; readonly domains: readonly string[] };
  readonly dmarc: {
    readonly result: AuthenticationResult;
    /** The author's; '' if there is none, or not one alone. */
    readonly domain: string;
    /** What is to be done with it if it fails. */
    readonly policy: DmarcPolicy;
    /** It fails, but a sealer that we trust saw it pass. RFC 8617 §7.2. */
    readonly isVouchedFor?: true | undefined;
  };
  readonly arc: { readonly result: AuthenticationResult; readonly sealer?: string | undefined };
}

/** What a content scanner made of a message. */
export interface ScanVerdict {
  readonly action: 'accept' | 'junk' | 'not-scanned';
  readonly score?: number | undefined;
  /** From which score on it is refused. */
  readonly required?: number | undefined;
}

/** What is known of a message that came from outside; kept with the item, at most some 2 KiB. */
export interface Verdicts extends Partial<AuthenticationVerdicts> {
  readonly scan?: ScanVerdict | undefined;
  /** Why it was put into Junk E-mail. */
  readonly junk?: 'dmarc' | 'scanner' | undefined;
}

/** Verdicts with the fields that tell of them, ready to be put in front of the message. */
export interface Authentication {
  readonly verdicts: AuthenticationVerdicts;
  /** Authentication-Results with its line end. */
  readonly field: string;
}

/** What DMARC asks for: reject, quarantine, or nothing. */
export function dmarcAction({ dmarc }: AuthenticationVerdicts): DmarcPolicy {
  const hasFailed = dmarc.result === 'fail' || dmarc.result === 'permerror';
  return hasFailed && dmarc.isVouchedFor !== true ? dmarc.policy : 'none';
}
