import { formatAuthHeaderRow } from 'mailauth/lib/tools.js';
import type { AuthenticationResult, AuthenticationVerdicts } from '#domain/verdicts';

/** One signature, as it is told of. */
export interface SignatureFinding {
  readonly result: AuthenticationResult;
  readonly comment: string | undefined;
  readonly domain: string;
  readonly selector: string;
  readonly algorithm: string;
  /** The beginning of the signature, which tells it from others of the same key. RFC 6008. */
  readonly start: string;
}

/** What was found, in more detail than is kept. */
export interface Findings {
  readonly verdicts: AuthenticationVerdicts;
  readonly signatures: readonly SignatureFinding[];
  /** SPF looked at HELO, as MAIL FROM is the null one. */
  readonly isHelo: boolean;
}

/** A longer value is told cut off; domains are never longer. */
const maxValue = 253;

/** The Authentication-Results field with its line end. RFC 8601 §2.2. */
export function resultsField(hostname: string, { verdicts, signatures, isHelo }: Findings): string {
  const { spf, dmarc, arc } = verdicts;
  const rows = [
    row('spf', spf.result, { smtp: { [isHelo ? 'helo' : 'mailfrom']: value(spf.domain) } }),
    ...(signatures.length === 0 ? [row('dkim', 'none', {})] : signatures.map(signatureRow)),
    row('dmarc', dmarc.result, {
      comment: commentOf(dmarc),
      header: { from: value(dmarc.domain) },
    }),
    row('arc', arc.result, { header: arc.sealer === undefined ? {} : { d: value(arc.sealer) } }),
  ];
  return `Authentication-Results: ${hostname};\r\n\t${rows.join(';\r\n\t')}\r\n`;
}

function signatureRow({ result, comment, domain, selector, algorithm, start }: SignatureFinding): string {
  const header = { d: value(domain), s: value(selector), a: value(algorithm), b: value(start) };
  return row('dkim', result, { comment: comment && words(comment), header });
}

function commentOf({ result, policy, isVouchedFor }: AuthenticationVerdicts['dmarc']): string | undefined {
  if (result === 'permerror') return policy === 'reject' ? 'several authors' : 'no author';
  if (result === 'none' || result === 'temperror') return undefined;
  return `p=${policy}${isVouchedFor === true ? ', trusted sealer' : ''}`;
}

function row(
  method: string,
  result: AuthenticationResult,
  rest: Omit<Parameters<typeof formatAuthHeaderRow>[1], 'result'>,
): string {
  return formatAuthHeaderRow(method, { result, ...rest }, { strict: true });
}

/** Some who read this field split it at every semicolon, quoted or not. */
function value(text: string): string {
  return text.replace(/[^A-Za-z0-9._:@+/[\]-]/gu, '?').slice(0, maxValue);
}

function words(text: string): string {
  return text.replace(/[^\x20-\x7e]|[;()\\]/gu, '?').slice(0, maxValue);
}
