import { arc } from 'mailauth/lib/arc/index.js';
import { evaluateDmarc } from 'mailauth/lib/dmarc/index.js';
import { spf } from 'mailauth/lib/spf/index.js';
import type { Clock } from '#domain/outside';
import type {
  Authentication,
  AuthenticationResult,
  AuthenticationVerdicts,
  DmarcPolicy,
} from '#domain/verdicts';
import type { Logger } from '#telemetry/log';
import { DkimCheck } from './dkim-check.ts';
import { headerRows } from './header-rows.ts';
import { Lookups, type Resolve } from './lookups.ts';
import { resultsField, type SignatureFinding } from './results-field.ts';
import { shownAuthors } from './shown-authors.ts';

/** Where a message comes from, as its client says and as we see. */
export interface Origin {
  /** The client's IP address, and what it said in HELO or EHLO. */
  readonly ip: string;
  readonly helo: string;
  /** MAIL FROM; '' is the null one. */
  readonly reversePath: string;
}

export interface EvaluationParts {
  readonly resolve: Resolve;
  readonly clock: Clock;
  readonly log: Logger;
  /** Our name: the authserv-id. RFC 8601 §2.5. */
  readonly hostname: string;
  /** How long the evaluation may take from the end of the message on. */
  readonly timeoutMs: number;
  /** Domains whose word we take for a message that fails here but passed there. */
  readonly trustedSealers: readonly string[];
}

type Signature = SignatureFinding & { readonly underSized: number | undefined };
type Dkim = AuthenticationVerdicts['dkim'];
type Spf = AuthenticationVerdicts['spf'];
type Dmarc = AuthenticationVerdicts['dmarc'];

/** RFC 8617 allows 50 sets; each costs a key and a signature over all before it. */
const maxArcSets = 20;
const maxQuestions = 150;
/** Domains kept with an item. */
const maxDomains = 5;
const maxDomainLength = 253;
/** Of an author's address, from its end: a domain has no more, and what is longer is none. */
const maxAuthorLength = 320;

/** What is better, first. */
const resultsByMerit: readonly AuthenticationResult[] = ['pass', 'temperror', 'fail', 'policy', 'neutral'];

/**
 * Evaluation checks one message while it passes: SPF (RFC 7208), DKIM (RFC 6376), ARC (RFC 8617) and DMARC (RFC 9989).
 * Nothing in the message, and no name server, makes it last longer than its time: what cannot be told is a temporary
 * error.
 */
export class Evaluation {
  readonly #parts: EvaluationParts;
  readonly #origin: Origin;
  /** The policy has lookups of its own: slow keys of somebody else's do not keep it from being known. */
  readonly #keys: Lookups;
  readonly #policies: Lookups;
  readonly #spf: Promise<Spf>;
  readonly #dkim: DkimCheck;
  /** As readers see them. */
  #shown: ReturnType<typeof shownAuthors> = { addresses: [], fields: 0 };

  constructor(parts: EvaluationParts, origin: Origin) {
    this.#parts = parts;
    this.#origin = origin;
    const { resolve, clock, timeoutMs } = parts;
    const limits = { questionMs: timeoutMs / 2, maxQuestions };
    this.#keys = new Lookups(resolve, clock, limits);
    this.#policies = new Lookups(resolve, clock, limits);
    this.#dkim = new DkimCheck({ resolver: this.#keys.resolver, curTime: new Date(clock.now()) });
    this.#spf = this.#checkSpf(new Lookups(resolve, clock, limits));
  }

  /** Takes the whole header, as it came; call once, before the body. */
  async header(bytes: Buffer): Promise<void> {
    this.#shown = shownAuthors(bytes);
    await this.#guard('dkim', async () => {
      await this.#dkim.takeHeader(bytes, headerRows(bytes));
      // Asked ahead, all at once: the body is still on its way.
      for (const name of this.#dkim.keyNames()) void this.#keys.resolver(name, 'TXT').catch(() => undefined);
      void this.#evaluateDmarc([], []).catch(() => undefined);
    });
  }

  body(chunk: Uint8Array): void {
    this.#dkim.takeBody(chunk);
  }

  /** The message is whole. */
  async end(): Promise<Authentication> {
    const { hostname, timeoutMs } = this.#parts;
    this.#keys.endIn(timeoutMs * 0.7);
    this.#policies.endIn(timeoutMs);
    await this.#guard('dkim', () => this.#dkim.verify());
    const signatures = this.#signatures();
    const [spfVerdict, arcVerdict] = await Promise.all([this.#spf, this.#checkArc()]);
    const { isVouched, ...arcKept } = arcVerdict;
    const dmarc = await this.#checkDmarc(spfVerdict, signatures, isVouched);
    const verdicts = { spf: spfVerdict, dkim: dkimOf(signatures), dmarc, arc: arcKept };
    const isHelo = this.#origin.reversePath === '';
    return { verdicts, field: resultsField(hostname, { verdicts, signatures, isHelo }) };
  }

  async #checkSpf(lookups: Lookups): Promise<Spf> {
    const { reversePath, ip, helo } = this.#origin;
    const { hostname, timeoutMs } = this.#parts;
    const options = { sender: reversePath, ip, helo, mta: hostname, resolver: lookups.resolver };
    const found = await this.#guard('spf', () => spf({ ...options, maxElapsedTime: timeoutMs * 0.7 }));
    if (found === undefined) return { result: 'temperror', domain: '' };
    return { result: resultOf(found.status.result), domain: domainText(found.domain) };
  }

  #signatures(): readonly Signature[] {
    return this.#dkim.results.flatMap(({ signingDomain, selector, algo, signature, status }) => {
      if (signingDomain === undefined) return [];
      const comment = status.comment === false ? undefined : status.comment;
      // RFC 8601 §2.7.1: mailauth is milder by default.
      const result = comment === 'body hash did not verify' ? 'fail' : resultOf(status.result);
      return [
        {
          result,
          comment,
          domain: domainText(signingDomain),
          selector: String(selector ?? ''),
          algorithm: String(algo ?? ''),
          start: String(signature ?? '').slice(0, 8),
          underSized: status.underSized,
        },
      ];
    });
  }

  async #checkArc(): Promise<AuthenticationVerdicts['arc'] & { readonly isVouched: boolean }> {
    const data = this.#dkim.arc;
    const chain = data.chain || [];
    if (chain.length > maxArcSets) return { result: 'fail', isVouched: false };
    const found = await this.#guard('arc', () => arc(data, { resolver: this.#keys.resolver }));
    const result = found === undefined ? 'temperror' : resultOf(found.status.result);
    const sealer = domainText(String(chain.at(-1)?.['arc-seal']?.parsed?.d?.value ?? ''));
    const isVouched =
      result === 'pass' &&
      found?.authenticationResults?.dmarc?.result === 'pass' &&
      this.#parts.trustedSealers.some((domain) => sealer === domain || sealer.endsWith(`.${domain}`));
    return { result, ...(sealer === '' ? {} : { sealer }), isVouched };
  }

  async #checkDmarc(spfVerdict: Spf, signatures: readonly Signature[], isVouched: boolean): Promise<Dmarc> {
    const domainsOf = (...results: readonly AuthenticationResult[]) => ({
      spf: results.includes(spfVerdict.result) ? [spfVerdict.domain] : [],
      dkim: signatures.filter(({ result }) => results.includes(result)),
    });
    const passing = domainsOf('pass');
    const found = await this.#evaluateDmarc(passing.spf, passing.dkim);
    if (found.result !== 'fail') return found;
    // Had they been answered, one of those that were not might have passed for this author.
    const hoped = domainsOf('pass', 'temperror');
    const isHoped = hoped.spf.length + hoped.dkim.length > passing.spf.length + passing.dkim.length;
    if (isHoped && (await this.#evaluateDmarc(hoped.spf, hoped.dkim)).result === 'pass') {
      return { ...found, result: 'temperror' };
    }
    return isVouched ? { ...found, isVouchedFor: true } : found;
  }

  async #evaluateDmarc(spfDomains: readonly string[], dkim: readonly Signature[]): Promise<Dmarc> {
    // Whoever may be taken for an author is one.
    const all = [...this.#dkim.headerFrom, ...this.#shown.addresses];
    const headerFrom = all.map((address) => address.slice(-maxAuthorLength));
    const fromFields = Math.max(this.#dkim.fromFields, this.#shown.fields);
    const dkimDomains = dkim.map(({ domain, underSized }) => ({ domain, underSized }));
    const resolver = this.#policies.resolver;
    const found = await this.#guard('dmarc', () =>
      evaluateDmarc({ headerFrom, fromFields, spfDomains, dkimDomains, resolver }),
    );
    if (found === undefined) return { result: 'temperror', domain: '', policy: 'none' };
    if (found.response === false) {
      // RFC 9989 §11.5: there is no policy to ask for.
      const policy = found.reason === 'no-author-domain' ? 'quarantine' : 'reject';
      return { result: 'permerror', domain: '', policy };
    }
    const { status, policy } = found.response;
    return {
      result: resultOf(status.result),
      domain: domainText(status.header.from),
      policy: policyOf(policy),
    };
  }

  /** What nobody foresaw in somebody's message is no reason not to take it, but not to be forgotten either. */
  async #guard<T>(check: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (err) {
      this.#parts.log.error('smtp.authentication.failed', { err }, { check });
      return undefined;
    }
  }
}

function dkimOf(signatures: readonly Signature[]): Dkim {
  const result =
    resultsByMerit.find((one) => signatures.some((signature) => signature.result === one)) ?? 'none';
  const passing = signatures.filter((signature) => signature.result === 'pass').map(({ domain }) => domain);
  return { result, domains: [...new Set(passing)].slice(0, maxDomains) };
}

const results: readonly AuthenticationResult[] = [...resultsByMerit, 'none', 'softfail', 'permerror'];

function resultOf(text: string): AuthenticationResult {
  return results.find((result) => result === text) ?? 'permerror';
}

function policyOf(text: string | undefined): DmarcPolicy {
  return text === 'reject' || text === 'quarantine' ? text : 'none';
}

function domainText(text: string): string {
  return text.toLowerCase().replace(/\.$/, '').slice(0, maxDomainLength);
}
