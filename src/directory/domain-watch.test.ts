import { randomBytes } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import type { OrganizationId } from '#domain/ids';
import { StoredDirectory } from '#storage/directory-store';
import { createLogger } from '#telemetry/log';
import { publishedRecords } from '#test/support/published-records';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import { Directory } from './directory.ts';
import { mailRefusedFromMs, nextLookMs, ownershipGraceMs } from './domain-look.ts';
import { DomainWatch } from './domain-watch.ts';
import type { MailDomainDetails } from './mail-domains.ts';

const name = 'example.com';
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

afterEach(() => vi.restoreAllMocks());

/** A directory whose domains are watched, by a clock and a DNS that the test moves. */
async function watch() {
  const time = fixedClock(Date.UTC(2026, 10, 22));
  // Timers know nothing of what the clock says.
  let elapsedMs = 0;
  let timers: { dueMs: number; callback: () => void }[] = [];
  const clock = {
    now: () => time.now(),
    after: (delayMs: number, callback: () => void) => {
      const timer = { dueMs: elapsedMs + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((one) => one !== timer);
      };
    },
  };
  const database = await tempDatabase({ clock });
  const directory = new Directory({
    store: new StoredDirectory(database),
    mailboxes: database.mail,
    outside: { clock, random: { bytes: (length) => randomBytes(length) } },
    settings: { baseDomain: 'mailstead.test', hostname: 'mail.example.net', maxDomains: 100 },
    passwords: { hash: async (password) => password, verify: async () => true, decoy: '' },
  });
  const zone: { values: (type: string, hostname: string) => readonly string[] } = { values: () => [] };
  const dns = publishedRecords(async (type, hostname) => zone.values(type, hostname));
  const outside = { clock, random: { bytes: () => Uint8Array.of(128) } };
  const log = createLogger('silent');
  const { domains } = directory;
  const running = new Set<Promise<unknown>>();
  const follow = <T>(promise: Promise<T>): Promise<T> => {
    const ended: Promise<boolean> = promise.then(
      () => running.delete(ended),
      () => running.delete(ended),
    );
    running.add(ended);
    return promise;
  };
  const look = domains.look.bind(domains);
  const watched = domains.watched.bind(domains);
  const listOrganizations = directory.listOrganizations.bind(directory);
  vi.spyOn(domains, 'look').mockImplementation((...given) => follow(look(...given)));
  vi.spyOn(domains, 'watched').mockImplementation((...given) => follow(watched(...given)));
  vi.spyOn(directory, 'listOrganizations').mockImplementation((...given) =>
    follow(listOrganizations(...given)),
  );
  /** Resolves when nothing of what the clock has started is under way. */
  const settle = async () => {
    do {
      await Promise.all(running);
      await new Promise((resolve) => setImmediate(resolve));
    } while (running.size > 0);
  };
  const domainWatch = new DomainWatch({ directory, dns, outside, log });
  /** Looks that were written down. */
  const looks: string[] = [];
  domains.onEvent(({ domain, outcome }) => {
    if (outcome !== undefined) looks.push(domain);
  });
  /** Moves the clock by `ms`, from one timer to the next, and waits for what each starts. */
  const pass = async (ms: number) => {
    const endMs = elapsedMs + ms;
    const until = (dueMs: number) => {
      time.move(Math.max(dueMs - elapsedMs, 0));
      elapsedMs = Math.max(elapsedMs, dueMs);
    };
    for (;;) {
      await settle();
      const [next] = timers.filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      timers = timers.filter((one) => one !== next);
      until(next.dueMs);
      next.callback();
    }
    until(endMs);
  };
  const publish = ({ records }: MailDomainDetails, without = '!') => {
    zone.values = (type, hostname) =>
      records
        .filter((one) => one.type === type && one.hostname === hostname && !hostname.startsWith(without))
        .map(({ value }) => value);
  };
  return { time, directory, domains, domainWatch, zone, publish, pass, looks, log };
}

test('a domain becomes verified by itself once its records are there', async () => {
  const { directory, domains, domainWatch, publish, pass, looks } = await watch();
  domainWatch.start();
  const organization = await directory.createOrganization({ alias: 'acme' });
  await domains.register(organization, name);
  await pass(hourMs);
  expect(await domains.get(organization, name)).toMatchObject({ ownership: 'PENDING' });
  const often = looks.length;
  expect(often).toBeGreaterThan(5);
  publish(await domains.get(organization, name));
  await pass(hourMs);
  expect(await domains.get(organization, name)).toMatchObject({ ownership: 'VERIFIED', dkim: 'VERIFIED' });
  looks.length = 0;
  await pass(3 * dayMs);
  expect(looks.length).toBeLessThan(4);
  expect(looks.length).toBeGreaterThan(1);
  await domainWatch.stop();
});

test('domains that were there before the start are watched, removed ones and test domains are not', async () => {
  const { directory, domains, domainWatch, pass, looks } = await watch();
  const organization = await directory.createOrganization({ alias: 'acme', domains: ['made.example'] });
  await domains.register(organization, name);
  domainWatch.start();
  await pass(30 * minuteMs);
  expect(new Set(looks)).toEqual(new Set(['made.example', name]));
  await domains.deregister(organization, name);
  looks.length = 0;
  await pass(dayMs);
  expect(new Set(looks)).toEqual(new Set(['made.example']));
  await domainWatch.stop();
  looks.length = 0;
  await pass(dayMs);
  expect(looks).toEqual([]);
});

test('domains of an organisation that is made, or comes back, are watched at once, and those of others not read again', async () => {
  const { directory, domains, domainWatch, pass, looks } = await watch();
  const other = await directory.createOrganization({ alias: 'other', domains: ['other.example'] });
  domainWatch.start();
  await pass(hourMs);
  const organization = await directory.createOrganization({ alias: 'acme', domains: [name] });
  looks.length = 0;
  await pass(10 * minuteMs);
  expect(looks).toContain(name);
  await directory.removal.delete(organization, { isForced: true });
  await pass(2 * dayMs);
  looks.length = 0;
  vi.mocked(domains.watched).mockClear();
  await directory.removal.restore(organization);
  await pass(10 * minuteMs);
  expect(looks).toContain(name);
  expect(vi.mocked(domains.watched).mock.calls).not.toContainEqual([other]);
  await domainWatch.stop();
});

/** A verified domain with a user in it, the default one. */
async function verified() {
  const site = await watch();
  const { directory, domains, publish, zone } = site;
  const organization = await directory.createOrganization({ alias: 'acme' });
  await domains.register(organization, name);
  const details = await domains.get(organization, name);
  publish(details);
  const dns = publishedRecords(async (type, hostname) => zone.values(type, hostname));
  await domains.verify(organization, name, dns);
  await domains.setDefault(organization, name);
  const id = await directory.createUser(organization, { name: 'a', displayName: 'A' });
  await directory.registerToWorkMail(organization, id, `a@${name}`);
  const recipient = async () => (await directory.resolveRecipient(`a@${name}`)).kind;
  const state = async (of: OrganizationId = organization) => domains.get(of, name);
  return { ...site, organization, details, recipient, state };
}

test('a domain whose ownership record is gone is served for 14 days and told of, then refused, and served again when it is back', async () => {
  const { domainWatch, domains, publish, details, pass, recipient, state, log, directory, organization } =
    await verified();
  const warn = vi.spyOn(log, 'warn');
  const warnings: unknown[] = [];
  domains.onEvent(({ outcome }) => {
    if (outcome?.warning !== undefined) warnings.push(outcome.warning);
  });
  domainWatch.start();
  publish(details, '_mailstead');
  await pass(2 * dayMs);
  const gone = await state();
  expect(gone).toMatchObject({ ownership: 'FAILED', domain: { state: 'Verified' } });
  expect(gone.look?.checks[0]).toMatchObject({ status: 'MISSING', isSeen: true });
  expect(warn).toHaveBeenCalledWith('domain.ownership.missing', {
    organization,
    domain: name,
    refusedFrom: new Date((gone.look?.ownershipGoneMs ?? 0) + ownershipGraceMs).toISOString(),
  });
  expect(await recipient()).toBe('mailbox');
  await pass(ownershipGraceMs - 2 * dayMs);
  expect(await recipient()).toBe('mailbox');
  await pass(2 * dayMs);
  expect(await state()).toMatchObject({ ownership: 'FAILED', domain: { state: 'Pending' } });
  expect(warn).toHaveBeenLastCalledWith('domain.refused', { organization, domain: name });
  expect(await recipient()).toBe('elsewhere');
  // At once, after 7 and 13 days, and when it is over.
  expect(warnings).toEqual(['gone', 'gone', 'gone', 'refused']);
  const { defaultDomain, testDomain } = await directory.describeOrganization(organization);
  expect(defaultDomain).toBe(testDomain);
  publish(details);
  await pass(2 * dayMs);
  expect(await state()).toMatchObject({ ownership: 'VERIFIED', domain: { state: 'Verified' } });
  expect(await recipient()).toBe('mailbox');
  expect((await directory.describeOrganization(organization)).defaultDomain).toBe(name);
  // Unless it was made another one meanwhile.
  await domains.setDefault(organization, testDomain);
  await pass(2 * dayMs);
  expect((await directory.describeOrganization(organization)).defaultDomain).toBe(testDomain);
  await domainWatch.stop();
});

test('a DNS that does not answer takes nothing away, however long', async () => {
  const { domainWatch, zone, pass, recipient, state } = await verified();
  zone.values = () => {
    throw new Error('ETIMEOUT');
  };
  domainWatch.start();
  await pass(3 * ownershipGraceMs);
  expect(await state()).toMatchObject({ ownership: 'VERIFIED', dkim: 'VERIFIED' });
  expect(await recipient()).toBe('mailbox');
  await domainWatch.stop();
});

test('a record that was found gone once, and a DNS that is silent from then on: nothing is refused', async () => {
  const { domainWatch, zone, publish, details, pass, recipient, state } = await verified();
  domainWatch.start();
  publish(details, '_mailstead');
  await pass(2 * dayMs);
  expect(await state()).toMatchObject({ ownership: 'FAILED' });
  zone.values = () => {
    throw new Error('ETIMEOUT');
  };
  await pass(ownershipGraceMs);
  expect(await recipient()).toBe('mailbox');
  publish(details);
  await pass(2 * hourMs);
  expect(await state()).toMatchObject({ ownership: 'VERIFIED', domain: { state: 'Verified' } });
  await domainWatch.stop();
});

test.each([
  ['a server that was stopped for a month', 30 * dayMs],
  ['a clock that jumps ahead by years', 20 * 365 * dayMs],
  ['a clock that is set back', -20 * 365 * dayMs],
])('%s: the 14 days are those in which looks found the record gone', async (_what, jumpMs) => {
  const { time, domains, publish, details, recipient, state, organization, zone } = await verified();
  publish(details, '_mailstead');
  const dns = publishedRecords(async (type, hostname) => zone.values(type, hostname));
  await domains.verify(organization, name, dns);
  time.move(jumpMs);
  await domains.verify(organization, name, dns);
  expect(await recipient()).toBe('mailbox');
  const { look } = await state();
  expect(mailRefusedFromMs(look ?? { lookedMs: 0, checks: [], slow: [] })).toBeGreaterThanOrEqual(
    time.now() + ownershipGraceMs - 2 * hourMs,
  );
  // Nor are looks by hand counted as days.
  for (let n = 0; n < 20; n++) await domains.verify(organization, name, dns);
  expect(await recipient()).toBe('mailbox');
});

test('a domain that was verified before there were looks has 14 days from the first one that misses its record', async () => {
  const { domainWatch, publish, details, pass, recipient, time } = await verified();
  publish(details, '_mailstead');
  time.move(400 * dayMs);
  domainWatch.start();
  await pass(ownershipGraceMs - hourMs);
  expect(await recipient()).toBe('mailbox');
  await pass(dayMs);
  expect(await recipient()).toBe('elsewhere');
  publish(details);
  await pass(2 * hourMs);
  expect(await recipient()).toBe('mailbox');
  await domainWatch.stop();
});

test('a clock that was ahead when a domain was looked at delays the next look by no more than a day', async () => {
  const { domains, domainWatch, zone, organization, pass, looks, time } = await verified();
  const years = 50 * 365 * dayMs;
  time.move(years);
  await domains.verify(
    organization,
    name,
    publishedRecords(async (type, host) => zone.values(type, host)),
  );
  time.move(-years);
  looks.length = 0;
  domainWatch.start();
  await pass(2 * dayMs);
  expect(looks.length).toBeGreaterThan(0);
  await domainWatch.stop();
});

test.each([
  ['set back by ten days', -10 * dayMs, 27 * hourMs],
  ['ahead by ten days, as after a suspended night', 10 * dayMs, 2 * hourMs],
])(
  'a clock that is %s while looks are planned delays none by more than a day',
  async (_what, jumpMs, withinMs) => {
    const { domainWatch, pass, looks, time } = await verified();
    domainWatch.start();
    await pass(hourMs);
    looks.length = 0;
    time.move(jumpMs);
    await pass(withinMs);
    expect(looks.length).toBeGreaterThan(0);
    await domainWatch.stop();
  },
);

test('a domain that waits is looked at ever less often, a verified one daily, hourly what is urgent', () => {
  const pending = { name, state: 'Pending', test: false, registeredMs: 0, ownershipToken: 't' } as const;
  const after = (lookedMs: number, gone = {}) => ({ lookedMs, checks: [], slow: [], ...gone });
  const wait = (lookedMs: number) => nextLookMs(pending, after(lookedMs), false) - lookedMs;
  expect(nextLookMs(pending, undefined, false)).toBe(minuteMs);
  expect([minuteMs, hourMs, 10 * dayMs].map(wait)).toEqual([minuteMs, 12 * minuteMs, dayMs]);
  const verifiedOne = { ...pending, state: 'Verified' } as const;
  expect(nextLookMs(verifiedOne, after(0), false)).toBe(dayMs);
  expect(nextLookMs(verifiedOne, after(0), true)).toBe(hourMs);
  expect(nextLookMs(verifiedOne, after(0, { ownershipGoneMs: 0 }), false)).toBe(hourMs);
  const refused = after(90 * dayMs, { ownershipGoneMs: 10 * dayMs });
  expect(nextLookMs(pending, refused, false) - refused.lookedMs).toBe(hourMs);
});
