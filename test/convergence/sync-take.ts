/** What a phone makes of the answer to a Sync, and what it complains of. */
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { child, childrenOf, type Element, has, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasResponse } from '#test/support/eas-connection';
import { readHeld, readMarks } from './collection.ts';
import type { Phone } from './phone.ts';
import { type Asked, type Command, collectionsOf, type SyncExtras, statusOf } from './sync-request.ts';

/** MS-ASCMD, WindowSize. */
const windowWithoutSize = 100;
const largestWindow = 512;

interface Sent extends SyncExtras {
  readonly sentAt: number;
}

/** The phone goes on from the answer. */
export function take(phone: Phone, asked: readonly Asked[], sent: Sent, response: EasResponse): void {
  if (response.status !== 200) {
    phone.complain(`Sync was answered HTTP ${response.status}`);
    return;
  }
  const root = response.rootStatus ?? 1;
  if (root !== 1) {
    phone.complain(`Sync was answered Status ${root}`);
    return;
  }
  const answers = collectionsOf(response);
  const isEmpty = response.element === undefined;
  if (isEmpty && !isAtLeast(phone.version, '12.1')) phone.complain('an empty answer below 12.1');
  if (!isEmpty && answers.length === 0) phone.complain('an answer without collections');
  const told = answers.reduce((sum, one) => sum + (child(one, AirSync.Commands)?.children.length ?? 0), 0);
  const isMore = answers.some((one) => has(one, AirSync.MoreAvailable));
  if (isMore && told === 0) phone.complain('MoreAvailable without progress');
  if (told > (sent.windowSize ?? largestWindow))
    phone.complain(`${told} changes in a window of ${sent.windowSize}`);
  for (const one of asked) {
    const own = answers.filter((answer) => textOf(answer, AirSync.CollectionId) === one.folder);
    if (own.length > 1) phone.complain(`${one.folder} is answered twice`);
    if (own[0] === undefined) takeSilence(phone, one);
    else takeCollection(phone, one, sent, own[0]);
  }
  for (const answer of answers) {
    const id = textOf(answer, AirSync.CollectionId);
    if (!asked.some(({ folder }) => folder === id))
      phone.complain(`${id} is answered, and was not asked for`);
  }
}

function takeSilence(phone: Phone, asked: Asked): void {
  if (asked.key === '0') phone.complain(`${asked.folder} has key 0, and is not answered`);
  for (const { kind } of asked.commands) phone.complain(`no word of a ${kind} in ${asked.folder}`);
  const { settings } = phone.collection(asked.folder);
  const isNew = JSON.stringify(asked.settings ?? settings) !== JSON.stringify(settings);
  if (isNew) phone.complain(`no word of new Options in ${asked.folder}`);
}

function takeCollection(phone: Phone, asked: Asked, sent: Sent, answer: Element): void {
  const collection = phone.collection(asked.folder);
  const status = integerOf(answer, AirSync.Status);
  if (status === 12) {
    phone.loseFolder(asked.folder);
    return;
  }
  if (status === 3) {
    if (!collection.isForked) phone.complain(`Status 3 in ${asked.folder}, and no state was lost`);
    collection.reset();
    return;
  }
  if (status !== 1) {
    phone.complain(`Status ${status} in ${asked.folder}`);
    return;
  }
  const commands = child(answer, AirSync.Commands);
  const responses = child(answer, AirSync.Responses);
  checkCollection(phone, asked, answer);
  collection.key = textOf(answer, AirSync.SyncKey) ?? '';
  if (asked.key === '0') collection.settings = asked.settings ?? { filterType: 0, serverWins: true };
  else collection.settings = asked.settings ?? collection.settings;
  for (const command of asked.commands) takeOwn(phone, asked, command, answer);
  if (asked.key === '0' && (commands ?? responses) !== undefined)
    phone.complain('changes in the answer to key 0');
  collection.apply(commands?.children ?? [], phone);
  const isAll =
    asked.getChanges !== false && !has(answer, AirSync.MoreAvailable) && sent.windowSize === undefined;
  if (isAll) collection.at = sent.sentAt;
  collection.isAtExact = isAll && !phone.model.isCrowded;
}

function checkCollection(phone: Phone, asked: Asked, answer: Element): void {
  const commands = child(answer, AirSync.Commands);
  const responses = child(answer, AirSync.Responses);
  const window = Math.min(asked.windowSize ?? windowWithoutSize, largestWindow);
  const count = commands?.children.length ?? 0;
  const isMore = has(answer, AirSync.MoreAvailable);
  if (count > window) phone.complain(`${count} changes in a window of ${window}`);
  if (commands !== undefined && count === 0) phone.complain('empty Commands');
  if (responses !== undefined && responses.children.length === 0) phone.complain('empty Responses');
  if (asked.getChanges === false && (isMore || count > 0)) phone.complain('changes, and GetChanges was 0');
  if (integerOf(answer, AirSync.Status) === 1 && (textOf(answer, AirSync.SyncKey) ?? '') === '')
    phone.complain('no SyncKey');
}

/** What the phone itself did is so from now on, unless it is refused. */
function takeOwn(phone: Phone, asked: Asked, command: Command, answer: Element): void {
  const collection = phone.collection(asked.folder);
  const status = statusOf(command, answer);
  const { id } = command;
  const subject = asked.subjects.get(id) ?? '?';
  const held = collection.items.get(id);
  if (status === 7) {
    const { at, settings } = collection;
    phone.model.whenLearned(() => {
      const isOthers =
        phone.model.wasWrittenByOthers(subject, phone.id, at) ||
        phone.model.wasElsewhere(subject, asked.folder, phone.id, at);
      if (!settings.serverWins || !isOthers) phone.complain(`a conflict over ${subject}, and there is none`);
    });
  } else if (status === 8) {
    if (phone.model.isKnownIn(subject, asked.folder) && !phone.model.isCrowded)
      phone.complain(`${subject} is called missing`);
  } else if (status !== 1) {
    phone.complain(`Status ${status} of a ${command.kind} of ${subject}`);
  }
  if (command.kind === 'fetch') checkFetched(phone, id, subject, status, answer);
  if (status !== 1) return;
  if (command.kind === 'delete') collection.items.delete(id);
  if (command.kind === 'add') takeAdded(phone, asked, command, answer);
  if ((command.kind === 'change' || command.kind === 'write') && held !== undefined)
    collection.items.set(id, { ...held, ...shown(phone.version, readMarks(command.data)) });
}

/** The phone knows all of its draft but when it came. */
function takeAdded(
  phone: Phone,
  asked: Asked,
  command: Extract<Command, { kind: 'add' }>,
  answer: Element,
): void {
  const responses = childrenOf(child(answer, AirSync.Responses), AirSync.Add);
  const own = responses.filter((one) => textOf(one, AirSync.ClientId) === command.id);
  const id = textOf(own[0], AirSync.ServerId);
  const held = readHeld(command.data, phone.version);
  if (own.length !== 1 || id === undefined || held === undefined)
    phone.complain(`an Add is answered ${own.length} times, with the ServerId ${id}`);
  else phone.collection(asked.folder).items.set(id, { ...held, read: true, isDraft: true });
}

function shown(version: ProtocolVersion, marks: ReturnType<typeof readMarks>): ReturnType<typeof readMarks> {
  const { categories: _, ...others } = marks;
  return isAtLeast(version, '14.0') ? marks : others;
}

function checkFetched(phone: Phone, id: string, subject: string, status: number, answer: Element): void {
  const fetched = childrenOf(child(answer, AirSync.Responses), AirSync.Fetch);
  const own = fetched.find((one) => textOf(one, AirSync.ServerId) === id);
  const found = textOf(own, AirSync.ApplicationData, Email.Subject);
  if (own === undefined || (status === 1 && found !== subject))
    phone.complain(`a Fetch of ${subject} gives ${found}`);
}
