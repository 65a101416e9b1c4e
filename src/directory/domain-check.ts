/** Compares what DNS holds with what a mail domain needs, and says what to do about it. */
import type { DnsRecord } from './dns-record.ts';
import type { DnsAnswer, DnsLook } from './ports.ts';
import { type Finding, judge, plain } from './record-judge.ts';

/**
 * VERIFIED: as it should be, at every name server that answers. PENDING: never seen yet, or nobody can tell. MISSING: it
 * was there once, or others of the domain are. INCONSISTENT: something else is there, or the name servers disagree.
 */
export type RecordStatus = 'VERIFIED' | 'PENDING' | 'MISSING' | 'INCONSISTENT';

/** RecordCheck is what DNS holds for a record now. */
export interface RecordCheck {
  readonly record: DnsRecord;
  readonly found: readonly string[];
  readonly status: RecordStatus;
  /** What to do, in a sentence or two; absent if nothing is. */
  readonly advice?: string | undefined;
  /** DNS was asked and gave no answer. */
  readonly isUnanswered?: boolean | undefined;
  /** Some name servers have it, others have not. */
  readonly isDisputed?: boolean | undefined;
  /** So few name servers answered that what they lack may be there all the same; or none of the domain's own did. */
  readonly isUnsure?: boolean | undefined;
  /** Name servers that did not answer in good time, by name. */
  readonly slow?: readonly string[] | undefined;
}

/** What is known of a domain before its records are looked at. */
export interface KnownDomain {
  readonly name: string;
  /** Records that were found before, by `recordKey`. */
  readonly seen: ReadonlySet<string>;
  /** Its ownership was proved by a record. */
  readonly isProved: boolean;
}

/** Whoever publishes the records decides what there is to show: bounded. */
const maxShown = 10;
const maxShownLength = 1_000;
const maxNamed = 4;

/** recordKey tells a record from the others of its domain. */
export function recordKey({ type, hostname, purpose }: DnsRecord): string {
  return `${purpose} ${type} ${hostname}`;
}

/** checkRecords looks at each record of a domain, all at once. Never rejects. */
export async function checkRecords(
  domain: KnownDomain,
  records: readonly DnsRecord[],
  look: DnsLook,
): Promise<readonly RecordCheck[]> {
  const checks = await Promise.all(records.map((record) => checkRecord(domain.name, record, look)));
  // A policy for mail that is forged says nothing of who serves the domain.
  const isBegun =
    domain.isProved || checks.some((one) => one.status === 'VERIFIED' && one.record.purpose !== 'DMARC');
  return checks.map((check) => {
    const found = check.found.slice(0, maxShown).map((value) => value.slice(0, maxShownLength));
    const isExpected = domain.seen.has(recordKey(check.record)) || (isBegun && !check.record.isOptional);
    const status = check.status === 'MISSING' && !isExpected ? 'PENDING' : check.status;
    const isGone = status === 'MISSING' && check.record.isOptional === true;
    const advice = check.advice ?? (isGone ? 'It was there once: add it again if it is wanted.' : undefined);
    return retold({ ...check, found, status, advice }, check.record);
  });
}

/** What was found for a record, told of the record as it is by now: its key may have been retired by what was found. */
export function retold(check: RecordCheck, record: DnsRecord): RecordCheck {
  if (record.keyState !== 'RETIRED' || check.isUnanswered) return { ...check, record };
  const what = check.status === 'VERIFIED' ? 'Leave it for now' : 'Put it back';
  return { ...check, record, advice: `${what}: mail signed with this key is still under way.` };
}

/** What somebody who was asked has. */
interface View {
  /** Name servers by name; empty: it is what caches have. */
  readonly servers: readonly string[];
  readonly finding: Finding;
}

async function checkRecord(domain: string, record: DnsRecord, look: DnsLook): Promise<RecordCheck> {
  const answers = await look.ask(record.type, record.hostname);
  const slow = answers.servers.filter(({ isSlow, error }) => isSlow || error !== undefined);
  const told = slow.length === 0 ? {} : { slow: slow.map(({ server }) => server) };
  const views = viewsOf(answers.servers, answers.cached, (values) => judge(domain, record, values));
  const [first] = views;
  if (first === undefined) {
    const why = answers.cached.error ?? 'no answer';
    const advice = `DNS does not answer (${why}). Try again later.`;
    return { record, found: [], status: 'PENDING', advice, isUnanswered: true, ...told };
  }
  const right = views.filter(({ finding }) => finding.status === 'VERIFIED');
  if (right.length > 0 && right.length < views.length) {
    return { record, ...disagreement(views), isDisputed: true, ...told };
  }
  const finding: Explained =
    right.length > 0 ? first.finding : await explained(domain, record, first.finding, look);
  const isUnsure = finding.status !== 'VERIFIED' && (finding.isUnsure === true || areFew(answers.servers));
  const lag = right.length > 0 ? cacheAdvice(domain, record, answers) : undefined;
  const advice = [finding.advice, lag].filter((one) => one !== undefined).join(' ') || undefined;
  return { record, ...finding, advice, ...(isUnsure ? { isUnsure } : {}), ...told };
}

/** Whether those who answer are too few to speak for the others: caches, and a resolver alone, say nothing of what is gone. */
function areFew(servers: readonly DnsAnswer[]): boolean {
  const answering = servers.filter(({ values }) => values !== undefined).length;
  return answering === 0 || answering * 2 < servers.length;
}

/** Name servers that have the same are one view; caches count where no name server answers. */
function viewsOf(
  servers: readonly (DnsAnswer & { readonly server: string })[],
  cached: DnsAnswer,
  judged: (values: readonly string[]) => Finding,
): readonly View[] {
  const bySame = new Map<string, { servers: string[]; finding: Finding }>();
  for (const { server, values } of servers) {
    if (values === undefined) continue;
    const same = JSON.stringify([...values].sort());
    const view = bySame.get(same) ?? { servers: [], finding: judged(values) };
    view.servers.push(server);
    bySame.set(same, view);
  }
  if (bySame.size > 0) return [...bySame.values()];
  return cached.values === undefined ? [] : [{ servers: [], finding: judged(cached.values) }];
}

function disagreement(views: readonly View[]): Finding {
  const serversWith = (isRight: boolean) =>
    named(
      views
        .filter(({ finding }) => (finding.status === 'VERIFIED') === isRight)
        .flatMap((one) => one.servers),
    );
  return {
    found: [...new Set(views.flatMap(({ finding }) => finding.found))],
    status: 'INCONSISTENT',
    advice: `The name servers of the domain disagree: ${serversWith(true)} has it right, ${serversWith(false)} has not. If that does not end within an hour, tell the DNS provider.`,
  };
}

function cacheAdvice(
  domain: string,
  record: DnsRecord,
  { cached, servers }: { readonly cached: DnsAnswer; readonly servers: readonly DnsAnswer[] },
): string | undefined {
  const isOurs = servers.every(({ values }) => values === undefined);
  if (isOurs || cached.values === undefined) return undefined;
  return judge(domain, record, cached.values).status === 'VERIFIED'
    ? undefined
    : 'Caches have not seen it yet: that may take as long as the time to live of what was there before.';
}

function named(servers: readonly string[]): string {
  const shown = servers.slice(0, maxNamed).join(', ');
  return servers.length > maxNamed ? `${shown} and ${servers.length - maxNamed} more` : shown;
}

type Explained = Finding & Pick<RecordCheck, 'isUnsure'>;

/** Looks where a record that is not as it should be may have got to. */
async function explained(
  domain: string,
  record: DnsRecord,
  finding: Finding,
  look: DnsLook,
): Promise<Explained> {
  const instead = await elsewhere(domain, record, look);
  if (instead === 'unsure') return { ...(await explanation(domain, record, finding, look)), isUnsure: true };
  return instead ?? explanation(domain, record, finding, look);
}

async function explanation(
  domain: string,
  record: DnsRecord,
  finding: Finding,
  look: DnsLook,
): Promise<Finding> {
  const typed = record.hostname.replace(/\.$/, '');
  if (typed === domain) {
    const [target] = await valuesAt(look, 'CNAME', record.hostname);
    if (target !== undefined) {
      const advice = `The domain itself is a CNAME of ${target}, so that no record beside it counts (RFC 1034): remove it, and name the address of its web server instead.`;
      return { found: [target], status: 'INCONSISTENT', advice };
    }
  }
  if (finding.status !== 'MISSING') return finding;
  const isAt = async (hostname: string) =>
    judge(domain, record, await valuesAt(look, record.type, hostname)).status === 'VERIFIED';
  // Some providers put the domain behind whatever is typed.
  const doubled = `${typed}.${domain}.`;
  if (await isAt(doubled)) {
    const short = typed === domain ? '@' : typed.slice(0, -domain.length - 1);
    const advice = `The record is at ${doubled} instead: the DNS provider adds the domain name itself. Enter only "${short}" as the host name.`;
    return { ...finding, advice };
  }
  const bare = `${typed.slice(0, -domain.length).replaceAll('_', '')}${domain}.`;
  if (typed.includes('_') && (await isAt(bare))) {
    const advice = `The record is at ${bare} instead: the underscore is missing in the host name.${underscoreAdvice(domain, record)}`;
    return { ...finding, advice };
  }
  const advice = `${finding.advice ?? ''}${underscoreAdvice(domain, record)}` || undefined;
  return { ...finding, advice };
}

/** What does as well: the token at the domain itself, a host of its own that has our address. */
async function elsewhere(
  domain: string,
  record: DnsRecord,
  look: DnsLook,
): Promise<Finding | 'unsure' | undefined> {
  if (record.purpose === 'OWNERSHIP') {
    const token = tokenAtDomain(record);
    const { servers, cached } = await look.ask('TXT', `${domain}.`);
    const views = viewsOf(servers, cached, (values) => ({
      found: [token],
      status: values.some((value) => plain(value) === token) ? 'VERIFIED' : 'MISSING',
    }));
    const right = views.filter(({ finding }) => finding.status === 'VERIFIED');
    if (right.length === 0) return areFew(servers) ? 'unsure' : undefined;
    return right.length === views.length ? { found: [token], status: 'VERIFIED' } : 'unsure';
  }
  if (record.type !== 'CNAME') return undefined;
  const [ours, theirs] = await Promise.all([
    valuesAt(look, 'A', record.value),
    valuesAt(look, 'A', record.hostname),
  ]);
  const isOurs = theirs.length > 0 && theirs.every((address) => ours.includes(address));
  return isOurs ? { found: theirs, status: 'VERIFIED' } : undefined;
}

/** What the first has that answers. */
async function valuesAt(
  look: DnsLook,
  type: DnsRecord['type'] | 'A',
  hostname: string,
): Promise<readonly string[]> {
  const { servers, cached } = await look.ask(type, hostname);
  return (
    servers.find(({ values }) => values !== undefined && values.length > 0)?.values ?? cached.values ?? []
  );
}

/** What stands at the domain itself where a provider takes no underscore in a host name. */
function tokenAtDomain({ value }: DnsRecord): string {
  return `mailstead=${value}`;
}

function underscoreAdvice(domain: string, record: DnsRecord): string {
  if (record.purpose === 'OWNERSHIP') {
    return ` If the DNS provider takes no underscore in a host name, add a TXT record at ${domain} with the value ${tokenAtDomain(record)} instead.`;
  }
  if (record.purpose !== 'DKIM' && record.purpose !== 'DMARC') return '';
  return ' The underscore in the host name has to stay: if the DNS provider takes none there, another one is needed for this record.';
}
