import { expect, test } from 'vitest';
import { newItem } from '#test/support/new-item';
import type { MailArrival } from './mail-arrival.ts';
import { type AnsweredMessage, reasonForNoReply } from './no-reply.ts';
import { ownAddress } from './own-address.ts';
import { reasonNotToPassOn } from './pass-on.ts';
import type { AuthenticationResult } from './verdicts.ts';

const me = { name: 'Alice', address: 'Alice@ours.example' };
const isOwn = ownAddress({
  addresses: ['alice@ours.example', 'a.smith@ours.example', 'alice@bücher.example'],
});

function message(arrival: Partial<MailArrival> = {}, envelope: object = {}, messageClass = 'IPM.Note') {
  const item = newItem('Hello', 0);
  return {
    item: { ...item, messageClass, envelope: { ...item.envelope, to: [me], ...envelope } },
    arrival: { reversePath: 'bob@one.example', isAuthenticated: false, skip: 0, is8bit: false, ...arrival },
    isOwn,
  };
}

/** How a message of bob@one.example fared by SPF, and whose signatures pass. */
function checked(result: AuthenticationResult, ...domains: readonly string[]) {
  const { item, ...more } = message();
  const verdicts = {
    spf: { result, domain: 'one.example' },
    dkim: { result: domains.length > 0 ? 'pass' : 'none', domains },
  } as const;
  return { ...more, item: { ...item, verdicts } };
}

const from = (reversePath: string) => message({ reversePath });
const bob = { name: '', address: 'bob@one.example' };

test.each<[message: AnsweredMessage, reason: string | undefined]>([
  [message(), undefined],
  [from(''), 'the reverse-path is null'],
  [from('bob'), 'the reverse-path is no address'],
  [from('alice@ours.example'), 'it is from the owner'],
  [from('A.Smith+list@OURS.example'), 'it is from the owner'],
  [checked('fail'), 'the reverse-path is forged'],
  [checked('fail', 'other.example'), 'the reverse-path is forged'],
  // A forwarder that leaves the reverse-path as it was.
  [checked('fail', 'other.example', 'one.example'), undefined],
  [checked('softfail'), undefined],
  [checked('pass'), undefined],
  ...[
    'MAILER-DAEMON',
    'postmaster',
    'listserv',
    'majordomo',
    'owner-list',
    'list-request',
    'list-owner',
    'list-bounces',
    'bounce+bob=ours',
    'noreply',
    'no-reply',
    'No_Reply',
    'do-not-reply',
    'donotreply',
    'shop.noreply',
    'noreply-orders',
  ].map((local): [AnsweredMessage, string] => [from(`${local}@one.example`), 'a machine sent it']),
  ...['owen', 'requester', 'postmasters', 'nora.reply', 'arno-reply', 'bouncer', 'reply'].map(
    (local): [AnsweredMessage, undefined] => [from(`${local}@one.example`), undefined],
  ),
  [message({ autoSubmitted: 'no' }), undefined],
  [message({ autoSubmitted: 'auto-generated' }), 'Auto-Submitted'],
  [message({ autoSubmitted: 'auto-replied' }), 'Auto-Submitted'],
  [message({ autoSubmitted: 'whatever' }), 'Auto-Submitted'],
  [message({}, {}, 'REPORT.IPM.NOTE.NDR'), 'it is a report'],
  ...['bulk', 'list', 'junk'].map((precedence): [AnsweredMessage, string] => [
    message({ handling: { precedence } }),
    'Precedence',
  ]),
  [message({ handling: { precedence: 'first-class' } }), undefined],
  [message({ handling: { isFromList: true } }), 'a mailing list'],
  ...['oof', 'autoreply', 'all'].map((word): [AnsweredMessage, string] => [
    message({ handling: { suppress: ['dr', word] } }),
    'X-Auto-Response-Suppress',
  ]),
  [message({ handling: { suppress: ['dr', 'rn'] } }), undefined],
  [message({}, { to: [bob] }), 'the owner is not named in it'],
  [message({}, { to: [bob], cc: [me] }), undefined],
  [message({}, { to: [{ name: '', address: 'a.smith@ours.example' }] }), undefined],
  [message({}, { to: [{ name: '', address: 'alice+tag@ours.example' }] }), undefined],
  [message({}, { to: [{ name: '', address: 'alice@xn--bcher-kva.example' }] }), undefined],
  [message({ handling: { resentTo: ['alice@ours.example'] } }, { to: [bob] }), undefined],
  [message({}, { to: [bob], bcc: [me] }), 'the owner is not named in it'],
])('$0.arrival -> %s', (one, reason) => {
  expect(reasonForNoReply(one)).toBe(reason);
});

const marks = (count: number) => Array.from({ length: count }, (_, n) => `user${n}@one.example`);

test.each([
  [message(), undefined],
  [from(''), 'the reverse-path is null'],
  [message({ autoSubmitted: 'auto-replied' }), 'it is an automatic reply'],
  [message({ autoSubmitted: 'auto-generated' }), undefined],
  [message({}, {}, 'REPORT.IPM.NOTE.DR'), 'it is a report'],
  [message({ handling: { isFromList: true } }), undefined],
  [message({ handling: { deliveredTo: ['alice@ours.example'] } }), 'it was passed on from here before'],
  [message({ handling: { deliveredTo: marks(19) } }), undefined],
  [message({ handling: { deliveredTo: marks(20) } }), 'it was passed on too often'],
])('passing on: $0.arrival -> %s', (one, reason) => {
  expect(reasonNotToPassOn(one, isOwn)).toBe(reason);
});
