/** The Syncs of a phone, made up at random. */
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import type { Choices } from '#test/support/choices';
import type { PhoneCollection } from './collection.ts';
import type { Phone } from './phone.ts';
import { syncCall } from './sync-call.ts';
import type { Ask, Command, SyncExtras } from './sync-request.ts';

const drafts = '2';

/** Now and then a window over all folders. */
export function windowOf(choices: Choices): SyncExtras {
  return choices.oneIn(3) ? { windowSize: 1 + choices.below(6) } : {};
}

/** Some folders, with what the phone does in them. */
export function asksOf(phone: Phone, choices: Choices, most: number): Ask[] {
  const busy = phone.synced.filter(({ items }) => items.size > 0).map(({ id }) => id);
  const likely = choices.oneIn(2) ? ['1'] : [];
  const picked = new Set(
    [...likely, ...choices.some(busy, 1), ...choices.some(phone.mailFolders, most)].slice(0, most),
  );
  return [...picked].map((folder): Ask => {
    const collection = phone.collection(folder);
    const commands = choices.oneIn(2) ? commandsOf(phone, collection, choices) : [];
    if (folder === drafts && choices.oneIn(2)) commands.push(newDraft(phone, choices));
    return {
      folder,
      commands,
      permanently: choices.of([undefined, undefined, false, true]),
      windowSize: choices.of([undefined, 1, 2, 3, 1 + choices.below(10), 512]),
    };
  });
}

function commandsOf(phone: Phone, collection: PhoneCollection, choices: Choices): Command[] {
  const held = [...collection.items].filter(([id]) => !collection.underWay.has(id));
  return choices.some(held, 3).map(([id, { isDraft, subject }]): Command => {
    const kind = choices.below(8);
    if (kind === 0) return { kind: 'fetch', id };
    if (kind <= 2) return { kind: 'delete', id };
    if (collection.id === drafts && isDraft && kind <= 6) {
      if (kind === 3) return { kind: 'send', id };
      return { kind: 'write', id, data: el(AirSync.ApplicationData, ...contentOf(subject, choices)) };
    }
    return { kind: 'change', id, data: marksOf(phone, choices) };
  });
}

/** MS-ASCMD, Add (Sync): from 16.0 on phones write drafts. */
function newDraft(phone: Phone, choices: Choices): Command {
  const subject = phone.nextSubject('draft');
  const to = el(Email.To, phone.correspondent);
  const data = el(AirSync.ApplicationData, to, el(Email.Subject, subject), ...contentOf(subject, choices));
  return { kind: 'add', id: subject, subject, data };
}

/** Importance tells one content from another. */
function contentOf(subject: string, choices: Choices): Element[] {
  const text = `Text of ${subject}.\r\nVersion ${choices.below(1000)}`;
  return [
    el(Email.Importance, choices.below(3)),
    el(AirSyncBase.Body, el(AirSyncBase.Type, 1), el(AirSyncBase.Data, text)),
  ];
}

function marksOf(phone: Phone, choices: Choices): Element {
  const status = choices.of([0, 2]);
  const flag =
    status === 2 ? el(Email.Flag, el(Email.Status, 2), el(Email.FlagType, 'for Follow Up')) : el(Email.Flag);
  const names = choices.some(['Blue', 'Green', 'Red'], choices.below(3));
  const categories = el(Email.Categories, ...names.map((name) => el(Email.Category, name)));
  const properties = [
    el(Email.Read, choices.oneIn(2)),
    isAtLeast(phone.version, '12.0') ? flag : undefined,
    isAtLeast(phone.version, '14.0') ? categories : undefined,
  ].filter((one) => one !== undefined);
  const first = choices.below(properties.length);
  return el(AirSync.ApplicationData, ...properties.filter((_, n) => n === first || choices.oneIn(3)));
}

/** A Sync, and what the server keeps of it for an empty one. */
export async function sync(
  phone: Phone,
  asks: readonly Ask[],
  extras: SyncExtras,
  lose = false,
): Promise<void> {
  if (asks.length === 0) return;
  keep(phone, asks, extras);
  const response = await phone.exchange(syncCall(phone, asks, extras), lose);
  if (response === undefined) phone.forgetCached();
}

/** MS-ASCMD, Empty Sync Request: what has commands or primes a folder is not repeated. */
export function keep(
  phone: Phone,
  asks: readonly Ask[],
  { windowSize, waitMinutes, heartbeatSeconds }: SyncExtras,
): void {
  const isRepeatable = asks.every(
    ({ folder, commands = [], getChanges = true }) =>
      commands.length === 0 && getChanges && phone.collection(folder).key !== '0',
  );
  const collections = asks.map(({ folder, windowSize: window }) => ({ folder, windowSize: window }));
  const isWaiting = (waitMinutes ?? heartbeatSeconds) !== undefined;
  phone.cached = isRepeatable ? { collections, isWaiting, windowSize } : 'nothing';
}
