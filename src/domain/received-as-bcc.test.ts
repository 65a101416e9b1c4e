import { expect, test } from 'vitest';
import type { Account } from '#directory/account';
import type { EntityId, OrganizationId } from './ids.ts';
import { mailboxOf } from './ids.ts';
import type { LocalRecipient } from './mail-envelope.ts';
import { mailboxesInBcc } from './received-as-bcc.ts';

function account(name: string, ...aliases: readonly string[]): Account {
  const entity = `${name}-entity` as EntityId;
  const organization = 'o' as OrganizationId;
  const address = `${name}@ours.example`;
  const mailbox = { organization, mailbox: mailboxOf(entity) };
  return { organization, entity, mailbox, address, addresses: [address, ...aliases], displayName: name };
}

const alice = account('alice', 'ally@ours.example');
const bob = account('bob');
const to = (address: string, ...accounts: readonly Account[]): LocalRecipient => ({
  address,
  accounts,
  isGroup: accounts.length > 1,
});
const named = (...addresses: readonly string[]) => ({
  to: addresses.map((address) => ({ name: '', address })),
  cc: [],
});

test.each([
  ['named by nobody', [to('alice@ours.example', alice)], named(), [alice]],
  [
    'beside others in To',
    [to('alice@ours.example', alice), to('bob@ours.example', bob)],
    named('bob@ours.example'),
    [alice],
  ],
  ['in To, in another case', [to('alice@ours.example', alice)], named('Alice@OURS.example'), []],
  ['in Cc', [to('alice@ours.example', alice)], { to: [], cc: named('alice@ours.example').to }, []],
  ['in To by another address of hers', [to('alice@ours.example', alice)], named('ally@ours.example'), []],
  ['in To with a tag', [to('alice@ours.example', alice)], named('alice+news@ours.example'), []],
  ['in a group in To', [to('team@ours.example', alice, bob)], named('team@ours.example'), []],
  [
    'in a group in Bcc, and one of it in To',
    [to('team@ours.example', alice, bob)],
    named('bob@ours.example'),
    [alice],
  ],
  [
    'in a group in To, and in Bcc',
    [to('team@ours.example', alice, bob), to('bob@ours.example', bob)],
    named('team@ours.example'),
    [],
  ],
  [
    'of a list',
    [to('alice@ours.example', alice)],
    { ...named(), handling: { isFromList: true as const } },
    [],
  ],
  [
    'sent on by a person',
    [to('alice@ours.example', alice)],
    { ...named(), handling: { resentTo: ['alice@ours.example'] } },
    [],
  ],
])('who is %s', (_name, recipients, header, expected) => {
  expect([...mailboxesInBcc(recipients, header)]).toEqual(expected.map(({ mailbox }) => mailbox.mailbox));
});
