import { describe, expect, test } from 'vitest';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { ResolveRecipients } from '#protocols/activesync/wbxml/code-pages/resolve-recipients';
import {
  bytesOf,
  child,
  childrenOf,
  type Element,
  el,
  integerOf,
  text,
  textOf,
} from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { MailAuthority } from '#test/support/mail-authority';
import { type PeopleSite, photo, startPeopleSite } from './people-site.ts';
import { startEndpoint } from './server.ts';

const { To, Options, Response, Status, Recipient, RecipientCount, Certificates, Availability } =
  ResolveRecipients;
/** One of each form: what these commands say differs below 14.0 and from 14.1 on alone. */
const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.1'] as const;

async function resolve(
  phone: EasClient,
  to: readonly string[],
  options: readonly Element[] = [],
  validateRequest = true,
) {
  const asked = options.length === 0 ? [] : [el(Options, ...options)];
  const request = el(ResolveRecipients.ResolveRecipients, ...to.map((one) => el(To, one)), ...asked);
  const { element, rootStatus } = await phone.command('ResolveRecipients', request, { validateRequest });
  return { root: rootStatus, responses: childrenOf(element, Response) };
}

const summary = (response: Element | undefined) => ({
  to: textOf(response, To),
  status: integerOf(response, Status),
  count: integerOf(response, RecipientCount),
  names: childrenOf(response, Recipient).map((one) => textOf(one, ResolveRecipients.DisplayName)),
});

const first = async (...asked: Parameters<typeof resolve>) => (await resolve(...asked)).responses[0];

const certificatesIn = (response: Element | undefined) => {
  const part = child(response, Recipient, Certificates);
  return {
    status: integerOf(part, Status),
    count: integerOf(part, ResolveRecipients.CertificateCount),
    members: integerOf(part, RecipientCount),
    sent: childrenOf(part, ResolveRecipients.Certificate).map(text),
    hasMini: child(part, ResolveRecipients.MiniCertificate) !== undefined,
  };
};

const retrieve = (how: number, max?: number) => [
  el(ResolveRecipients.CertificateRetrieval, how),
  ...(max === undefined ? [] : [el(ResolveRecipients.MaxCertificates, max)]),
];

async function withCertificates(site: PeopleSite, ...names: string[]) {
  const authority = await MailAuthority.create('ca');
  return Promise.all(
    names.map(async (name) => {
      const user = await site.addPerson(name);
      const { base64 } = await authority.issue({ address: user.address });
      await site.call('Mailstead.PutUserCertificates', { UserId: user.id, Certificates: [base64] });
      return { ...user, base64 };
    }),
  );
}

describe.each(versions)('ResolveRecipients in %s', (version) => {
  test('To: one Response for each, in order; an address means its holder, whatever its case', async () => {
    const site = await startPeopleSite();
    await site.call('CreateAlias', { EntityId: site.alice.id, Alias: 'al@test.mailstead.test' });
    await site.addPerson('alan');
    const phone = await site.phoneOf(version);
    const to = [
      'AL@test.mailstead.test',
      'nobody@test.mailstead.test',
      'Al <alice@test.mailstead.test>',
      'alice@elsewhere.test',
      'alice@test.mailstead.tes',
      '',
    ];
    const { root, responses } = await resolve(phone, to);
    expect(root).toBe(1);
    const alice = (asked: string) => ({ to: asked, status: 1, count: 1, names: ['Alice'] });
    const nobody = (asked: string) => ({ to: asked, status: 4, count: 0, names: [] });
    expect(responses.map(summary)).toEqual([
      alice('AL@test.mailstead.test'),
      nobody('nobody@test.mailstead.test'),
      alice('Al <alice@test.mailstead.test>'),
      nobody('alice@elsewhere.test'),
      nobody('alice@test.mailstead.tes'),
      nobody(''),
    ]);
    const recipient = child(responses[0], Recipient);
    expect(recipient?.children.map((part) => [part.tag.name, text(part)])).toEqual([
      ['Type', '1'],
      ['DisplayName', 'Alice'],
      ['EmailAddress', site.alice.address],
    ]);
  });

  test('Response Status 1 for one, 2 for all of several, 3 for some of several, 4 for nobody', async () => {
    const site = await startPeopleSite();
    for (const name of ['alan', 'albert']) await site.addPerson(name);
    const phone = await site.phoneOf(version);
    const most = (count: number) => [el(ResolveRecipients.MaxAmbiguousRecipients, count)];
    const said = async (to: string, options: Element[] = []) => summary(await first(phone, [to], options));
    expect(await said('alb')).toEqual({ to: 'alb', status: 1, count: 1, names: ['Albert'] });
    expect(await said('alb', most(0))).toMatchObject({ status: 1, names: ['Albert'] });
    expect(await said('AL')).toEqual({ to: 'AL', status: 2, count: 3, names: ['Alan', 'Albert', 'Alice'] });
    expect(await said('al', most(3))).toMatchObject({ status: 2, count: 3 });
    expect(await said('al', most(2))).toEqual({ to: 'al', status: 3, count: 3, names: ['Alan', 'Albert'] });
    expect(await said('al', most(0))).toEqual({ to: 'al', status: 3, count: 3, names: [] });
    expect(await said('zed')).toEqual({ to: 'zed', status: 4, count: 0, names: [] });
  });

  test('CertificateRetrieval: 1 gives none, 2 those in force, 3 tells that there are some; 7 where there is none', async () => {
    const site = await startPeopleSite();
    const [bob] = await withCertificates(site, 'bob');
    const phone = await site.phoneOf(version);
    const of = async (who: string, options: Element[]) => certificatesIn(await first(phone, [who], options));
    const none = { status: undefined, count: undefined, members: undefined, sent: [], hasMini: false };
    const address = bob?.address ?? '';
    expect(await of(address, [])).toEqual(none);
    expect(await of(address, retrieve(1))).toEqual(none);
    expect(await of(address, retrieve(2))).toEqual({ ...none, status: 1, count: 1, sent: [bob?.base64] });
    expect(await of('bo', retrieve(2))).toMatchObject({ status: 1, sent: [bob?.base64] });
    expect(await of(address, retrieve(3))).toEqual({ ...none, status: 1, count: 1 });
    expect(await of(site.alice.address, retrieve(2))).toEqual({ ...none, status: 7, count: 0 });
    expect(await of(site.alice.address, retrieve(3))).toEqual({ ...none, status: 7, count: 0 });
    await site.addPerson('boris');
    // MS-ASCMD: with Status 2 and 3 no certificates are sent.
    expect(await of('bo', retrieve(2))).toEqual(none);
  });

  test('Availability: 14.0 and later; a digit for each half hour, a part of one counts; EndTime may be missing', async () => {
    const site = await startPeopleSite();
    const phone = await site.phoneOf(version);
    const availability = (start: string, end?: string) => [
      el(
        Availability,
        el(ResolveRecipients.StartTime, start),
        end === undefined ? undefined : el(ResolveRecipients.EndTime, end),
      ),
    ];
    const of = async (who: string, options: Element[]) => {
      const part = child(await first(phone, [who], options, false), Recipient, Availability);
      return [integerOf(part, Status), textOf(part, ResolveRecipients.MergedFreeBusy)];
    };
    const { address } = site.alice;
    const [from, until] = ['2026-11-23T10:15:00.000Z', '2026-11-23T12:20:00.000Z'];
    const has = isAtLeast(version, '14.0');
    expect(await of(address, availability(from, until))).toEqual(has ? [1, '44444'] : [undefined, undefined]);
    expect(await of(address, availability(from))).toEqual(
      has ? [1, '4'.repeat(336)] : [undefined, undefined],
    );
    expect(await of('ali', availability(from, until))).toEqual(has ? [1, '44444'] : [undefined, undefined]);
    expect(await of('alice@elsewhere.test', availability(from, until))).toEqual([undefined, undefined]);
    await site.addPerson('alicia');
    expect(await of('ali', availability(from, until))).toEqual([undefined, undefined]);
  });

  test('Picture: 14.1 and later; 1, 173, 174 and 175, also of ambiguous recipients', async () => {
    const site = await startPeopleSite();
    const [p1, p2, , p4] = [
      await site.addPerson('p1'),
      await site.addPerson('p2'),
      await site.addPerson('p3'),
      await site.addPerson('p4'),
    ];
    await site.putPhoto(p1, photo(500));
    await site.putPhoto(p2, photo(2000));
    await site.putPhoto(p4, photo(400));
    const phone = await site.phoneOf(version);
    const of = async (...options: Element[]) =>
      childrenOf(await first(phone, ['p'], options, false), Recipient).map((one) => [
        integerOf(one, ResolveRecipients.Picture, Status),
        bytesOf(one, ResolveRecipients.Picture, ResolveRecipients.Data)?.length,
      ]);
    const asked = el(
      ResolveRecipients.Picture,
      el(ResolveRecipients.MaxSize, 1000),
      el(ResolveRecipients.MaxPictures, 1),
    );
    const nothing = [undefined, undefined];
    const has = isAtLeast(version, '14.1');
    expect(await of()).toEqual([nothing, nothing, nothing, nothing]);
    expect(await of(asked)).toEqual(
      has
        ? [
            [1, 500],
            [174, undefined],
            [173, undefined],
            [175, undefined],
          ]
        : [nothing, nothing, nothing, nothing],
    );
    expect((await of(el(ResolveRecipients.Picture)))[1]).toEqual(has ? [1, 2000] : nothing);
  });
});

describe('ResolveRecipients', () => {
  test('Certificates Status 8: a recipient gets all of its certificates or none, until MaxCertificates is reached', async () => {
    const site = await startPeopleSite();
    const [bob, carol, dave] = await withCertificates(site, 'bob', 'carol', 'dave');
    if (bob === undefined || carol === undefined || dave === undefined) throw new Error();
    const staff = await site.addGroup('staff', [bob, carol, site.alice]);
    const phone = await site.phoneOf('16.1');
    const { responses } = await resolve(phone, [bob.address, staff, dave.address], retrieve(2, 2));
    expect(responses.map(certificatesIn)).toMatchObject([
      { status: 1, count: 1, sent: [bob.base64] },
      { status: 8, count: 2, members: 3, sent: [] },
      { status: 1, count: 1, sent: [dave.base64] },
    ]);
    const nothing = await first(phone, [bob.address], retrieve(2, 0));
    expect(certificatesIn(nothing)).toMatchObject({ status: 8, count: 1, sent: [] });
  });

  test('a group has the certificates of everybody in it, and RecipientCount tells of how many', async () => {
    const site = await startPeopleSite();
    const [bob, carol] = await withCertificates(site, 'bob', 'carol');
    if (bob === undefined || carol === undefined) throw new Error();
    const inner = await site.call('CreateGroup', { Name: 'inner' });
    await site.call('RegisterToWorkMail', { EntityId: inner['GroupId'], Email: 'inner@test.mailstead.test' });
    await site.call('AssociateMemberToGroup', { GroupId: inner['GroupId'], MemberId: carol.id });
    const staff = await site.addGroup('staff', [bob, site.alice, { id: String(inner['GroupId']) }]);
    const empty = await site.addGroup('empty', []);
    const phone = await site.phoneOf('14.1');
    const all = certificatesIn(await first(phone, [staff], retrieve(2)));
    expect(all).toMatchObject({ status: 1, count: 2, members: 3 });
    expect(new Set(all.sent)).toEqual(new Set([bob.base64, carol.base64]));
    expect(certificatesIn(await first(phone, [empty], retrieve(2)))).toMatchObject({
      status: 7,
      count: 0,
      members: 0,
    });
  });

  test('Availability Status 161 for a group of more than 20, 160 for more than 100 of To', async () => {
    const site = await startPeopleSite();
    const people = [];
    for (let n = 0; n < 21; n++) people.push(await site.addPerson(`p${n}`));
    const small = await site.addGroup('small', people.slice(1));
    const large = await site.addGroup('large', people);
    const phone = await site.phoneOf('14.0');
    const range = [
      el(ResolveRecipients.StartTime, '2026-11-23T10:00:00.000Z'),
      el(ResolveRecipients.EndTime, '2026-11-23T11:00:00.000Z'),
    ];
    const of = (response: Element | undefined) => {
      const part = child(response, Recipient, Availability);
      return [integerOf(part, Status), textOf(part, ResolveRecipients.MergedFreeBusy)];
    };
    const both = await resolve(phone, [small, large], [el(Availability, ...range)]);
    expect(both.responses.map(of)).toEqual([
      [1, '44'],
      [161, undefined],
    ]);
    const many = Array.from({ length: 101 }, () => site.alice.address);
    const { root, responses } = await resolve(phone, many, [el(Availability, ...range)]);
    expect([root, responses.length, of(responses[100])]).toEqual([1, 101, [160, undefined]]);
    const tooMany = Array.from({ length: 1001 }, () => site.alice.address);
    expect((await resolve(phone, tooMany, [el(Availability, ...range)])).root).toBe(5);
  });

  test('Picture Status 175: the photos of five hundred people are looked for, and of no more', async () => {
    const site = await startPeopleSite();
    const people = [site.alice];
    for (let n = 0; n < 9; n++) people.push(await site.addPerson(`al${n}`));
    const phone = await site.phoneOf('16.1');
    const to = Array.from({ length: 51 }, () => 'al');
    const { responses } = await resolve(phone, to, [el(ResolveRecipients.Picture)], false);
    const statuses = responses.flatMap((response) =>
      childrenOf(response, Recipient).map((one) => integerOf(one, ResolveRecipients.Picture, Status)),
    );
    expect(statuses).toEqual(Array.from({ length: 510 }, (_one, n) => (n < 500 ? 173 : 175)));
  });

  test('Status 5: no To, too many, one too long, and options out of their range', async () => {
    const site = await startPeopleSite();
    const phone = await site.phoneOf('16.1');
    const root = async (to: readonly string[], ...options: Element[]) =>
      (await resolve(phone, to, options, false)).root;
    const availability = (start?: string, end?: string) =>
      el(
        Availability,
        start === undefined ? undefined : el(ResolveRecipients.StartTime, start),
        end === undefined ? undefined : el(ResolveRecipients.EndTime, end),
      );
    const start = '2026-11-23T10:00:00.000Z';
    expect(await root(['x'.repeat(256)])).toBe(1);
    expect(await root(['x'.repeat(257)])).toBe(5);
    expect(await root([])).toBe(5);
    expect(await root(Array.from({ length: 100 }, () => 'al'))).toBe(1);
    expect(await root(Array.from({ length: 101 }, () => 'al'))).toBe(5);
    for (const bad of [
      el(ResolveRecipients.CertificateRetrieval, 0),
      el(ResolveRecipients.CertificateRetrieval, 4),
      el(ResolveRecipients.CertificateRetrieval, 'x'),
      el(ResolveRecipients.MaxCertificates, -1),
      el(ResolveRecipients.MaxCertificates, 10_000),
      el(ResolveRecipients.MaxAmbiguousRecipients, 10_000),
      el(ResolveRecipients.MaxAmbiguousRecipients, 'x'),
      el(ResolveRecipients.Picture, el(ResolveRecipients.MaxSize, 'x')),
      availability(),
      availability('yesterday'),
      availability(start, 'tomorrow'),
      availability(start, '2026-11-23T10:29:59.000Z'),
      availability(start, '2026-11-22T10:00:00.000Z'),
      availability(start, '2027-01-04T10:00:01.000Z'),
    ]) {
      expect(await root(['al'], bad), JSON.stringify(bad)).toBe(5);
    }
    expect(await root(['al'], availability(start, '2026-11-23T10:30:00.000Z'))).toBe(1);
    expect(await root(['al'], availability(start, '2027-01-04T10:00:00.000Z'))).toBe(1);
  });

  test.each(['12.1', '14.1'] as const)('Status 6 in %s: a fault of the server', async (version) => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    server.breakAddressBook();
    expect((await resolve(phone, ['al'])).root).toBe(6);
  });

  test('hidden people, and those of another organisation, are nobody', async () => {
    const site = await startPeopleSite();
    const [bob] = await withCertificates(site, 'bob');
    if (bob === undefined) throw new Error();
    await site.call('UpdateUser', { UserId: bob.id, HiddenFromGlobalAddressList: true });
    const { OrganizationId } = await site.admin('CreateOrganization', { Alias: 'other' });
    const stranger = { OrganizationId, Name: 'boris', DisplayName: 'Boris', Password: 'Password-1' };
    const { UserId } = await site.admin('CreateUser', stranger);
    const Email = 'boris@other.mailstead.test';
    await site.admin('RegisterToWorkMail', { OrganizationId, EntityId: UserId, Email });
    const phone = await site.phoneOf('16.1');
    const { responses } = await resolve(phone, ['bo', bob.address, Email], retrieve(2));
    expect(responses.map((response) => integerOf(response, Status))).toEqual([4, 4, 4]);
  });

  test('the same request has the same answer', async () => {
    const site = await startPeopleSite();
    await withCertificates(site, 'bob', 'bert');
    const phone = await site.phoneOf('16.1');
    const ask = () => resolve(phone, ['b', 'bob'], retrieve(2));
    expect(await ask()).toEqual(await ask());
  });
});
