import { expect, test } from 'vitest';
import { DomainError } from '#domain/errors';
import { ReplyError, replyTo } from './reply.ts';

test('a condition of the domain has its own reply', () => {
  const reply = replyTo(new DomainError('mailbox/over-quota', 'internal words'));
  expect(reply).toEqual({ code: 452, enhanced: '4.2.2', text: 'Mailbox full' });
});

test('a reply of the protocol is given as it is', () => {
  expect(replyTo(new ReplyError(554, '5.4.6', 'Loop'))).toEqual({
    code: 554,
    enhanced: '5.4.6',
    text: 'Loop',
  });
});

test.each([new TypeError('x is not a function'), 'a string', undefined])(
  'what nobody foresaw (%s) is temporary and says nothing',
  (error) => {
    expect(replyTo(error)).toMatchObject({ code: 451, enhanced: '4.3.0' });
    expect(replyTo(error).text).not.toContain('function');
  },
);
