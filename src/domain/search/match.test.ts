import { describe, expect, test } from 'vitest';
import { newItem } from '#test/support/new-item';
import type { FolderId, ItemId } from '../ids.ts';
import type { Item } from '../item.ts';
import { matches, SearchedMail } from './match.ts';
import { allFields, anyMail, type MailCondition, noMail, receivedWindow, SearchField } from './query.ts';

const item: Item = {
  ...newItem('Red apples', 1000),
  id: 5 as ItemId,
  folder: 1 as FolderId,
  added: 1,
  changed: 1,
  conversationId: Buffer.from('00ff', 'hex'),
  messageClass: 'IPM.Schedule.Meeting.Request',
  importance: 2,
  body: { kind: 'inline' },
  marks: { read: true, categories: ['Blue Category'], flag: { status: 2, type: 'x' } },
};
const text = (pattern: string, fields: number = allFields): MailCondition => ({
  kind: 'text',
  pattern,
  fields,
});
const inSubject = text(' red', SearchField.Subject);
const notInSubject = text(' green', SearchField.Subject);
const inBody = text(' pears', SearchField.Body);
const and = (...of: MailCondition[]): MailCondition => ({ kind: 'and', of });
const or = (...of: MailCondition[]): MailCondition => ({ kind: 'or', of });
const not = (of: MailCondition): MailCondition => ({ kind: 'not', of });

describe('without the body a condition is known, or not', () => {
  test.each<[string, MailCondition, boolean | undefined]>([
    ['in the subject', inSubject, true],
    ['not in the subject', notInSubject, false],
    ['anywhere, and in the subject', text(' apples'), true],
    ['anywhere, and not in the header', text(' pears'), undefined],
    ['in the body', inBody, undefined],
    ['not in the body', not(inBody), undefined],
    ['and, decided by the header', and(inBody, notInSubject), false],
    ['and, not decided', and(inBody, inSubject), undefined],
    ['or, decided by the header', or(inBody, inSubject), true],
    ['or, not decided', or(inBody, notInSubject), undefined],
    ['nothing asked', anyMail, true],
    ['nothing matches', noMail, false],
  ])('%s', (_name, condition, known) => {
    expect(matches(condition, new SearchedMail(item))).toBe(known);
  });
});

test('with the body every condition is known', () => {
  const mail = new SearchedMail(item).withBody('Sour\r\npears');
  expect(matches(inBody, mail)).toBe(true);
  expect(matches(not(inBody), mail)).toBe(false);
  expect(matches(and(inBody, inSubject), mail)).toBe(true);
  expect(matches(text(' ears'), mail)).toBe(false);
});

describe('what else a message is like', () => {
  test.each<[MailCondition, boolean]>([
    [{ kind: 'received', fromMs: 1000, untilMs: 1001 }, true],
    [{ kind: 'received', fromMs: 1001, untilMs: 2000 }, false],
    [{ kind: 'received', fromMs: 0, untilMs: 1000 }, false],
    [{ kind: 'conversation', id: '00ff' }, true],
    [{ kind: 'conversation', id: '00fe' }, false],
    [{ kind: 'has-attachments' }, false],
    [{ kind: 'read' }, true],
    [{ kind: 'flagged' }, true],
    [{ kind: 'importance', importance: 2 }, true],
    [{ kind: 'importance', importance: 1 }, false],
    [{ kind: 'message-class', prefix: 'ipm.schedule' }, true],
    [{ kind: 'message-class', prefix: 'ipm.sched' }, false],
    [{ kind: 'category', pattern: ' cat' }, true],
    [{ kind: 'category', pattern: ' red' }, false],
    [{ kind: 'size', least: item.size, most: item.size }, true],
    [{ kind: 'size', least: item.size + 1, most: 1e9 }, false],
  ])('%o', (condition, isSo) => expect(matches(condition, new SearchedMail(item))).toBe(isSo));
});

test('an inline picture is no attachment', () => {
  const picture = { part: '2', name: 'a.png', type: 'image/png', size: 1, method: 1, inline: true } as const;
  const has = (attachments: Item['attachments']) =>
    matches({ kind: 'has-attachments' }, new SearchedMail({ ...item, attachments }));
  expect(has([picture])).toBe(false);
  expect(has([picture, { ...picture, inline: false }])).toBe(true);
});

test('the times of a condition are those that all of it asks for', () => {
  const after: MailCondition = { kind: 'received', fromMs: 10, untilMs: 100 };
  const before: MailCondition = { kind: 'received', fromMs: 0, untilMs: 50 };
  expect(receivedWindow(and(after, before, inBody))).toEqual({ fromMs: 10, untilMs: 50 });
  expect(receivedWindow(after)).toEqual({ fromMs: 10, untilMs: 100 });
  const all = { fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER };
  expect(receivedWindow(or(after, before))).toEqual(all);
  expect(receivedWindow(not(after))).toEqual(all);
});
