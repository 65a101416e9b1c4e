import { Resolver } from 'node:dns/promises';
import { domainToASCII } from 'node:url';
import { RecentMap } from '#directory/recent-map';
import type { Clock } from '#domain/outside';

/** What a question is answered with, in the shapes of Node's dns.promises.resolve. */
export interface DnsRecords {
  readonly A: string;
  readonly AAAA: string;
  readonly CNAME: string;
  readonly MX: { readonly exchange: string; readonly priority: number };
  readonly PTR: string;
  /** The strings of one record. */
  readonly TXT: string[];
}

/** Asks name servers. */
export interface Dns {
  /**
   * The records of a name, never an empty list; a name may be internationalized. Throws DnsError: ENOTFOUND (the name
   * does not exist) and ENODATA (it has none of this type) are answers, everything else says that there was none.
   */
  resolve<T extends keyof DnsRecords>(name: string, type: T): Promise<DnsRecords[T][]>;
}

/** DnsError is a question without records, by the codes of Node's dns module. */
class DnsError extends Error {
  override readonly name = 'DnsError';
  readonly code: string;
  readonly hostname: string;

  constructor(code: string, type: string, hostname: string, options?: ErrorOptions) {
    super(`${type} ${hostname}: ${code}`, options);
    this.code = code;
    this.hostname = hostname;
  }
}

interface CachingDnsOptions {
  /** `host:port`; the system's if there are none. */
  readonly servers: readonly string[];
  readonly clock: Clock;
}

/** What is remembered of a question. */
interface Answer {
  readonly records: readonly DnsRecords[keyof DnsRecords][] | undefined;
  /** Without records. */
  readonly code: string;
  readonly untilMs: number;
}

/** Answers kept at a time; the one unused for longest goes. */
const maxAnswers = 10_000;
/** A longer one is asked for each time. */
const maxAnswerBytes = 8 * 1024;
/** Node tells the TTL of addresses only. */
const usualMs = 5 * 60_000;
const longestMs = 60 * 60_000;
/** RFC 2308 §5: the absence of records is remembered too. */
const negativeMs = 60_000;
/** Over all servers and tries. */
const questionMs = 20_000;

const definite: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/** CachingDns asks each question once at a time, and remembers answers, but no failures to get one. */
export class CachingDns implements Dns {
  readonly #resolver = new Resolver({ timeout: 4_000, tries: 2 });
  readonly #clock: Clock;
  readonly #answers = new RecentMap<string, Answer>(maxAnswers);
  readonly #asking = new Map<string, Promise<Answer>>();

  constructor({ servers, clock }: CachingDnsOptions) {
    this.#clock = clock;
    if (servers.length > 0) this.#resolver.setServers([...servers]);
  }

  async resolve<T extends keyof DnsRecords>(name: string, type: T): Promise<DnsRecords[T][]> {
    const asked = canonicalName(name);
    if (asked === undefined) throw new DnsError('EBADNAME', type, name);
    const { records, code } = await this.#answer(asked, type);
    if (records === undefined) throw new DnsError(code, type, name);
    return [...records] as DnsRecords[T][];
  }

  /** The same for mailauth, which names types by any text. */
  readonly resolver = async (name: string, type: string): Promise<string[] | string[][]> => {
    if (!isType(type)) throw new DnsError('ENOTIMP', type, name);
    return (await this.resolve(name, type)) as string[] | string[][];
  };

  async #answer(name: string, type: keyof DnsRecords): Promise<Answer> {
    const key = `${type} ${name}`;
    const known = this.#answers.get(key);
    if (known !== undefined && known.untilMs > this.#clock.now()) return known;
    const asking = this.#asking.get(key) ?? this.#ask(key, name, type);
    this.#asking.set(key, asking);
    return await asking;
  }

  async #ask(key: string, name: string, type: keyof DnsRecords): Promise<Answer> {
    try {
      const answer = await this.#question(name, type);
      if (answer.untilMs > this.#clock.now() && sizeOf(answer) <= maxAnswerBytes)
        this.#answers.set(key, answer);
      return answer;
    } finally {
      this.#asking.delete(key);
    }
  }

  async #question(name: string, type: keyof DnsRecords): Promise<Answer> {
    const timeout = Promise.withResolvers<never>();
    const cancel = this.#clock.after(questionMs, () => timeout.reject(new DnsError('ETIMEOUT', type, name)));
    try {
      const { records, ttlSeconds } = await Promise.race([this.#records(name, type), timeout.promise]);
      const keptMs = ttlSeconds === undefined ? usualMs : Math.min(ttlSeconds * 1_000, longestMs);
      return records.length === 0
        ? this.#negative('ENODATA')
        : { records, code: '', untilMs: this.#clock.now() + keptMs };
    } catch (cause) {
      const code = codeOf(cause);
      if (definite.has(code)) return this.#negative(code);
      throw new DnsError(code, type, name, { cause });
    } finally {
      cancel();
    }
  }

  #negative(code: string): Answer {
    return { records: undefined, code, untilMs: this.#clock.now() + negativeMs };
  }

  async #records(
    name: string,
    type: keyof DnsRecords,
  ): Promise<{ readonly records: readonly DnsRecords[keyof DnsRecords][]; readonly ttlSeconds?: number }> {
    switch (type) {
      case 'A':
        return addresses(await this.#resolver.resolve4(name, { ttl: true }));
      case 'AAAA':
        return addresses(await this.#resolver.resolve6(name, { ttl: true }));
      case 'CNAME':
        return { records: await this.#resolver.resolveCname(name) };
      case 'MX':
        return { records: await this.#resolver.resolveMx(name) };
      case 'PTR':
        return { records: await this.#resolver.resolvePtr(name) };
      case 'TXT':
        return { records: await this.#resolver.resolveTxt(name) };
    }
  }
}

function addresses(found: readonly { readonly address: string; readonly ttl: number }[]) {
  return {
    records: found.map(({ address }) => address),
    ttlSeconds: Math.min(...found.map(({ ttl }) => ttl)),
  };
}

/** In lower case, A-labels (RFC 5890), no dot at its end; undefined for what cannot be asked. RFC 1035 §2.3.4. */
function canonicalName(name: string): string | undefined {
  const ascii = /\P{ASCII}/u.test(name) ? domainToASCII(name) : name;
  const asked = ascii.toLowerCase().replace(/\.$/, '');
  const isName = asked.length <= 253 && asked.split('.').every((label) => /^[!-~]{1,63}$/.test(label));
  return isName ? asked : undefined;
}

function sizeOf({ records = [] }: Answer): number {
  return records.reduce((bytes, record) => bytes + JSON.stringify(record).length, 0);
}

function isType(type: string): type is keyof DnsRecords {
  return ['A', 'AAAA', 'CNAME', 'MX', 'PTR', 'TXT'].includes(type);
}

/** The code of an error of Node's dns module or of ours; '' if it has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
