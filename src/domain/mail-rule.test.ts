import { expect, test } from 'vitest';
import { newItem } from '#test/support/new-item';
import type { FolderId } from './ids.ts';
import type { NewItem } from './item.ts';
import { applyRules, type MailRule, type RuleConditions, type RuleMessage } from './mail-rule.ts';

const file = {
  part: '2',
  name: 'a.pdf',
  type: 'application/pdf',
  size: 10,
  method: 1,
  inline: false,
} as const;

function message(envelope: Partial<NewItem['envelope']> = {}, more: Partial<NewItem> = {}): RuleMessage {
  const item = newItem('Invoice 7', 0);
  return {
    item: {
      ...item,
      envelope: {
        ...item.envelope,
        from: [{ name: 'Billing', address: 'bills@shop.example' }],
        to: [{ name: 'Alice', address: 'alice@ours.example' }],
        ...envelope,
      },
      ...more,
    },
    listId: 'news.shop.example',
    isOwn: (address) => address === 'alice@ours.example',
  };
}

function rule(conditions: RuleConditions, more: Partial<MailRule> = {}): MailRule {
  return {
    name: 'rule',
    enabled: true,
    conditions,
    exceptions: {},
    actions: { markAsRead: true },
    stopProcessing: false,
    ...more,
  };
}

const carol = [{ name: 'Carol', address: 'carol@two.example' }];
const detail = { parts: [], text: [], html: [], preview: 'Please\r\npay   soon' };

const rows: readonly (readonly [
  name: string,
  conditions: RuleConditions,
  message: RuleMessage,
  holds: boolean,
])[] = [
  ['no condition', {}, message(), true],
  ['From, by name', { fromContains: ['no', 'bILLing'] }, message(), true],
  ['From, by address', { fromContains: ['@shop.'] }, message(), true],
  ['From, another', { fromContains: ['carol'] }, message(), false],
  ['Sender', { fromContains: ['carol'] }, message({ sender: carol[0] }), true],
  ['recipient in To', { recipientContains: ['alice'] }, message(), true],
  ['recipient in Cc', { recipientContains: ['carol'] }, message({ cc: carol }), true],
  ['recipient nowhere', { recipientContains: ['carol'] }, message(), false],
  ['To', { toContains: ['ours.example'] }, message(), true],
  ['To, but it is Cc', { toContains: ['carol'] }, message({ cc: carol }), false],
  ['Cc', { ccContains: ['carol'] }, message({ cc: carol }), true],
  ['Cc, but it is To', { ccContains: ['alice'] }, message(), false],
  ['Subject', { subjectContains: ['invoice'] }, message(), true],
  ['Subject in wide letters', { subjectContains: ['Ｉｎｖｏｉｃｅ'] }, message(), true],
  ['Subject, another', { subjectContains: ['receipt'] }, message(), false],
  ['text over a line end', { bodyContains: ['please pay soon'] }, message({}, { detail }), true],
  ['text, another', { bodyContains: ['thanks'] }, message({}, { detail }), false],
  ['list', { listIdContains: ['news.'] }, message(), true],
  ['list, none', { listIdContains: ['news.'] }, { ...message(), listId: undefined }, false],
  ['a file', { hasAttachment: true }, message({}, { attachments: [file] }), true],
  [
    'a picture in the text',
    { hasAttachment: true },
    message({}, { attachments: [{ ...file, inline: true }] }),
    false,
  ],
  ['no file', { hasAttachment: false }, message(), true],
  ['importance', { importance: 'HIGH' }, message({}, { importance: 2 }), true],
  ['importance, another', { importance: 'HIGH' }, message(), false],
  ['larger', { sizeOver: 99 }, message({}, { size: 100 }), true],
  ['not larger', { sizeOver: 100 }, message({}, { size: 100 }), false],
  ['smaller', { sizeUnder: 101 }, message({}, { size: 100 }), true],
  ['not smaller', { sizeUnder: 100 }, message({}, { size: 100 }), false],
  ['to me', { sentToMe: true }, message({ cc: carol }), true],
  ['not to me', { sentToMe: true }, message({ to: carol }), false],
  ['to me in Cc', { sentToMe: true }, message({ to: carol, cc: message().item.envelope.to }), true],
  ['not to me is wanted', { sentToMe: false }, message({ to: carol }), true],
  ['to me alone', { sentOnlyToMe: true }, message(), true],
  ['to me and another', { sentOnlyToMe: true }, message({ cc: carol }), false],
  ['to nobody', { sentOnlyToMe: true }, message({ to: [] }), false],
  ['all must hold', { fromContains: ['billing'], subjectContains: ['receipt'] }, message(), false],
  ['all hold', { fromContains: ['billing'], subjectContains: ['invoice'], sentToMe: true }, message(), true],
];

test.each(rows)('as a condition: %s', (_name, conditions, one, holds) => {
  expect(applyRules([rule(conditions)], one).isRead).toBe(holds);
});

const single = rows.filter(([, conditions]) => Object.keys(conditions).length === 1);

test.each(single)('as an exception: %s', (_name, exceptions, one, holds) => {
  expect(applyRules([rule({}, { exceptions })], one).isRead).toBe(!holds);
});

test('one exception that holds is enough', () => {
  const exceptions = { fromContains: ['billing'], subjectContains: ['receipt'] };
  expect(applyRules([rule({}, { exceptions })], message()).rules).toEqual([]);
});

const archive = { folder: 20 as FolderId, path: 'Archive' };
const other = { folder: 21 as FolderId, path: 'Other' };

test.each<[name: string, rules: readonly MailRule[], outcome: object]>([
  ['one that is off does nothing', [rule({}, { enabled: false })], { rules: [], isRead: false }],
  ['move', [rule({}, { actions: { moveToFolder: archive } })], { place: 20, isRead: false }],
  ['delete', [rule({}, { actions: { delete: true } })], { place: 'deleted' }],
  [
    'the first place counts, the rest adds up',
    [
      rule({}, { name: 'a', actions: { forwardTo: ['a@x.example'] } }),
      rule({}, { name: 'b', actions: { moveToFolder: archive, redirectTo: ['b@x.example'] } }),
      rule(
        {},
        {
          name: 'c',
          actions: { moveToFolder: other, markAsRead: true, forwardTo: ['a@x.example', 'c@x.example'] },
        },
      ),
      rule({}, { name: 'd', actions: { delete: true } }),
    ],
    {
      rules: ['a', 'b', 'c', 'd'],
      place: 20,
      isRead: true,
      forwardTo: ['a@x.example', 'c@x.example'],
      redirectTo: ['b@x.example'],
    },
  ],
  [
    'one that stops hides those behind it',
    [
      rule({ subjectContains: ['receipt'] }, { name: 'not for it', stopProcessing: true }),
      rule({}, { name: 'stops', actions: { delete: true }, stopProcessing: true }),
      rule({}, { name: 'hidden' }),
    ],
    { rules: ['stops'], place: 'deleted', isRead: false },
  ],
])('%s', (_name, rules, outcome) => {
  expect(applyRules(rules, message())).toMatchObject(outcome);
});

test('a field is read once, however many rules look at it', () => {
  const { item, ...more } = message();
  let reads = 0;
  const envelope = {
    ...item.envelope,
    get to() {
      reads++;
      return item.envelope.to;
    },
  };
  const rules = Array.from({ length: 200 }, () => rule({ toContains: ['nobody'] }));
  applyRules(rules, { ...more, item: { ...item, envelope } });
  expect(reads).toBe(1);
});
