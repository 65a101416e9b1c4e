import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { OrganizationId } from '#domain/ids';
import { StoredDirectory } from '#storage/directory-store';
import { organizationPart, prefixRange } from '#storage/keys';
import { publishedRecords } from '#test/support/published-records';
import { fixedClock, tempDatabase, tempFolder } from '#test/support/temp-store';
import { Directory } from './directory.ts';
import { keepRetiredMs } from './dkim-keys.ts';
import type { MailDomainDetails } from './mail-domains.ts';
import type { PublishedRecords } from './ports.ts';

const nothing = publishedRecords(async () => []);
const unanswered = publishedRecords(() => Promise.reject(new Error('ETIMEOUT')));

async function open(folder?: string) {
  const clock = fixedClock(Date.UTC(2026, 10, 22));
  let keysMade = 0;
  const database = await tempDatabase({ clock, ...(folder === undefined ? {} : { folder }) });
  const store = new StoredDirectory(database);
  const directory = new Directory({
    store,
    mailboxes: database.mail,
    outside: {
      clock,
      random: {
        bytes: (length) => {
          // What tells the selectors of one pair from another's.
          if (length === 4) keysMade++;
          return randomBytes(length);
        },
      },
    },
    settings: { baseDomain: 'mailstead.test', hostname: 'mail.example.net', maxDomains: 100 },
    passwords: { hash: async (password) => password, verify: async () => true, decoy: '' },
  });
  const { domains } = directory;
  /** DNS with all that is shown, but for what `without` begins the name of. */
  const published = ({ records }: MailDomainDetails, without = '!'): PublishedRecords =>
    publishedRecords(async (type, hostname) =>
      records
        .filter((one) => one.type === type && one.hostname === hostname && !hostname.startsWith(without))
        .map(({ value }) => value),
    );
  const verified = async (organization: OrganizationId, name: string) => {
    await domains.register(organization, name);
    return domains.verify(organization, name, published(await domains.get(organization, name)));
  };
  const enable = async (organization: OrganizationId, name: string, address: string) => {
    const id = await directory.createUser(organization, { name, displayName: name });
    await directory.registerToWorkMail(organization, id, address);
    return id;
  };
  return {
    clock,
    database,
    store,
    directory,
    domains,
    published,
    verified,
    enable,
    keysMade: () => keysMade,
  };
}

const refused = (code: string) => expect.objectContaining({ name: 'DomainError', code });

const selectorsOf = ({ records }: MailDomainDetails, state: string) =>
  records.filter(({ keyState }) => keyState === state).map(({ hostname }) => hostname.split('.')[0]);

const signingSelectors = async (
  { domains }: Directory,
  organization: OrganizationId,
  name: string,
): Promise<readonly string[] | undefined> =>
  (await domains.signingKeys(organization, name))?.map(({ selector }) => selector);

test('keys are made once, however many ask for them at the same time, and outlive the process', async () => {
  const folder = await tempFolder();
  const { directory, domains, database, keysMade } = await open(folder);
  const organization = await directory.createOrganization({ alias: 'acme' });
  const name = 'acme.mailstead.test';
  const asked = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      n % 2 === 0
        ? domains.get(organization, name).then((details) => selectorsOf(details, 'SIGNING'))
        : signingSelectors(directory, organization, name),
    ),
  );
  expect(new Set(asked.map(String)).size).toBe(1);
  expect(keysMade()).toBe(1);
  expect(asked[0]).toEqual([
    expect.stringMatching(/^ms-20261122-[0-9a-f]{8}-rsa$/),
    expect.stringMatching(/^ms-20261122-[0-9a-f]{8}-ed25519$/),
  ]);
  await database.close();
  const again = await open(folder);
  expect(await signingSelectors(again.directory, organization, name)).toEqual(asked[0]);
});

test('an organisation is made without keys; its partition holds none in clear', async () => {
  const { directory, domains, database } = await open();
  const organization = await directory.createOrganization({ alias: 'acme' });
  const part = organizationPart(organization);
  const rows = async () => (await database.store.page(part, prefixRange(Buffer.from('K')))).rows;
  expect(await rows()).toEqual([]);
  await domains.get(organization, 'acme.mailstead.test');
  const [row, ...others] = await rows();
  expect(others).toEqual([]);
  expect(Buffer.from(row?.[1] ?? []).includes('_domainkey')).toBe(false);
  expect(Buffer.from(row?.[1] ?? []).includes('v=DKIM1')).toBe(false);
});

test('a domain is verified once its token is found, and stays so; mail for it is accepted from then on', async () => {
  const { directory, domains, published, enable } = await open();
  const organization = await directory.createOrganization({ alias: 'acme' });
  await domains.register(organization, 'example.com');
  const details = await domains.get(organization, 'example.com');
  expect(await signingSelectors(directory, organization, 'example.com')).toBeUndefined();
  const before = await domains.verify(organization, 'example.com', published(details, '_mailstead'));
  expect(before).toMatchObject({ domain: { state: 'Pending' }, dkim: 'VERIFIED' });
  expect(await directory.resolveRecipient('a@example.com')).toEqual({ kind: 'elsewhere' });
  const after = await domains.verify(organization, 'example.com', published(details));
  expect(after).toMatchObject({ domain: { state: 'Verified' }, dkim: 'VERIFIED' });
  expect(after.checks.map(({ status }) => status)).toEqual(after.records.map(() => 'VERIFIED'));
  await enable(organization, 'a', 'a@example.com');
  expect(await directory.resolveRecipient('a@example.com')).toMatchObject({ kind: 'mailbox' });
  expect(await signingSelectors(directory, organization, 'example.com')).toHaveLength(2);
  const gone = await domains.verify(organization, 'example.com', nothing);
  expect(gone).toMatchObject({ domain: { state: 'Verified' }, ownership: 'FAILED', dkim: 'FAILED' });
  await domains.verify(organization, 'example.com', published(details));
  expect(await domains.verify(organization, 'example.com', unanswered)).toMatchObject({ dkim: 'VERIFIED' });
});

test('new keys sign once both their records are found; the records before them are shown for seven days', async () => {
  const { clock, directory, domains, verified, published } = await open();
  const organization = await directory.createOrganization({ alias: 'acme' });
  const name = 'example.com';
  const old = selectorsOf(await verified(organization, name), 'SIGNING');
  const signs = () => signingSelectors(directory, organization, name);
  expect(await signs()).toEqual(old);
  const rotated = await domains.rotateDkimKeys(organization, name);
  const coming = selectorsOf(rotated, 'NEXT');
  expect(coming).toHaveLength(2);
  expect(selectorsOf(await domains.rotateDkimKeys(organization, name), 'NEXT')).toEqual(coming);
  for (const missing of coming) await domains.verify(organization, name, published(rotated, missing));
  await domains.verify(organization, name, unanswered);
  expect(await signs()).toEqual(old);
  const after = await domains.verify(organization, name, published(rotated));
  expect(await signs()).toEqual(coming);
  expect(selectorsOf(after, 'SIGNING')).toEqual(coming);
  expect(selectorsOf(after, 'NEXT')).toEqual([]);
  expect(selectorsOf(after, 'RETIRED')).toEqual(old);
  expect(after.records.find(({ keyState }) => keyState === 'RETIRED')?.keepUntilMs).toBe(
    clock.now() + keepRetiredMs,
  );
  clock.move(keepRetiredMs - 1);
  expect(selectorsOf(await domains.get(organization, name), 'RETIRED')).toEqual(old);
  clock.move(1);
  expect(selectorsOf(await domains.get(organization, name), 'RETIRED')).toEqual([]);
});

test('a domain that an address, the default or the organisation needs stays; another goes with its keys and catch-all', async () => {
  const { directory, domains, verified, enable, store } = await open();
  const organization = await directory.createOrganization({ alias: 'acme' });
  const name = 'example.com';
  const before = selectorsOf(await verified(organization, name), 'SIGNING');
  const alice = await enable(organization, 'alice', 'alice@acme.mailstead.test');
  await directory.createAlias(organization, alice, 'a@example.com');
  const remove = () => domains.deregister(organization, 'Example.com');
  await expect(remove()).rejects.toEqual(
    expect.objectContaining({ code: 'domain/in-use', message: expect.stringContaining('a@example.com') }),
  );
  await directory.deregisterFromWorkMail(organization, alice);
  await domains.setDefault(organization, name);
  expect((await directory.describeOrganization(organization)).defaultDomain).toBe(name);
  await expect(remove()).rejects.toEqual(refused('domain/in-use'));
  await domains.setDefault(organization, 'acme.mailstead.test');
  await expect(domains.deregister(organization, 'acme.mailstead.test')).rejects.toEqual(
    refused('request/invalid'),
  );
  const bob = await enable(organization, 'bob', 'bob@acme.mailstead.test');
  await directory.putMailRouting(organization, { administrator: bob, catchAll: [[name, bob]] });
  await remove();
  await remove();
  expect(await store.dkim(organization, name)).toBeUndefined();
  expect(await store.domainOwner(name)).toBeUndefined();
  expect(await directory.mailRouting(organization)).toMatchObject({
    administrator: bob,
    catchAll: new Map(),
  });
  expect(await signingSelectors(directory, organization, name)).toBeUndefined();
  await expect(domains.get(organization, name)).rejects.toEqual(refused('domain/not-found'));
  // The address in it does not come back with its user; in another organisation it is nobody's.
  await directory.registerToWorkMail(organization, alice, 'alice@acme.mailstead.test');
  expect(await directory.listAliases(organization, alice)).toEqual(['alice@acme.mailstead.test']);
  const other = await directory.createOrganization({ alias: 'other' });
  const anew = selectorsOf(await verified(other, name), 'SIGNING');
  expect(anew).not.toEqual(before);
  expect(await directory.resolveRecipient('a@example.com')).toEqual({ kind: 'unknown' });
});

test('a domain that is removed while its keys are made gets none', async () => {
  const { directory, domains, store } = await open();
  const organization = await directory.createOrganization({ alias: 'acme', domains: ['example.com'] });
  const asked = domains.get(organization, 'example.com');
  await domains.deregister(organization, 'example.com');
  await expect(asked).rejects.toEqual(refused('domain/not-found'));
  expect(await store.dkim(organization, 'example.com')).toBeUndefined();
});

test('the default domain is a verified one of the organisation', async () => {
  const { directory, domains } = await open();
  const organization = await directory.createOrganization({ alias: 'acme', domains: ['example.com'] });
  await expect(domains.setDefault(organization, 'example.com')).rejects.toEqual(
    refused('domain/not-verified'),
  );
  await expect(domains.setDefault(organization, 'example.org')).rejects.toEqual(refused('domain/not-found'));
});

test('domains are listed in order of name, page by page', async () => {
  const { directory, domains } = await open();
  const names = ['b.example', 'c.example', 'a.example'];
  const organization = await directory.createOrganization({ alias: 'acme', domains: names });
  const page = async (after?: string) => {
    const { rows, next } = await domains.list(organization, after, 2);
    return { next, rows: rows.map(({ domain, isDefault }) => [domain.name, domain.state, isDefault]) };
  };
  expect(await page()).toEqual({
    rows: [
      ['a.example', 'Pending', false],
      ['acme.mailstead.test', 'Verified', true],
    ],
    next: 'acme.mailstead.test',
  });
  expect(await page('acme.mailstead.test')).toEqual({
    rows: [
      ['b.example', 'Pending', false],
      ['c.example', 'Pending', false],
    ],
    next: undefined,
  });
});
