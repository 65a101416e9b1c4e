/** A Sync request of a phone: how it is written, what it does to the mailbox, what the phone makes of the answer. */
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import {
  child,
  childrenOf,
  type Element,
  el,
  has,
  integerOf,
  textOf,
} from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import type { EasResponse } from '#test/support/eas-connection';
import { readMarks, type Settings } from './collection.ts';
import { gone } from './model.ts';
import type { Call, Phone } from './phone.ts';

/** What a phone does to a message that it holds. */
export type Command =
  | { readonly kind: 'change'; readonly id: string; readonly data: Element }
  | { readonly kind: 'delete'; readonly id: string }
  | { readonly kind: 'fetch'; readonly id: string };

/** One Collection of a request. What is absent is not sent. */
export interface Ask {
  readonly folder: string;
  readonly commands?: readonly Command[] | undefined;
  /** MS-ASCMD, DeletesAsMoves 0. */
  readonly permanently?: boolean | undefined;
  readonly getChanges?: boolean | undefined;
  readonly windowSize?: number | undefined;
  readonly settings?: Settings | undefined;
}

export interface SyncExtras {
  /** Of all collections together. */
  readonly windowSize?: number | undefined;
  readonly waitMinutes?: number | undefined;
  readonly heartbeatSeconds?: number | undefined;
  readonly partial?: boolean | undefined;
}

/** A Collection as it is on its way. */
interface Asked extends Ask {
  readonly key: string;
  readonly commands: readonly Command[];
  /** The messages of the commands, as the phone holds them. */
  readonly subjects: ReadonlyMap<string, string>;
}

const trash = '3';

/** MS-ASCMD, WindowSize. */
const windowWithoutSize = 100;
const largestWindow = 512;

const tags = { change: AirSync.Change, delete: AirSync.Delete, fetch: AirSync.Fetch } as const;

/** Makes a request; `repeated` are collections that are not named in it, and come from the one before. */
export function syncCall(
  phone: Phone,
  asks: readonly Ask[] | 'empty',
  extras: SyncExtras = {},
  repeated: readonly Ask[] = [],
): Call {
  const named = asks === 'empty' ? [] : asks;
  const asked = [...named, ...repeated].map((ask) => askedOf(phone, ask));
  const body =
    asks === 'empty' ? undefined : syncElement(phone.version, asked.slice(0, named.length), extras);
  const sentAt = phone.model.at;
  return {
    command: 'Sync',
    bytes: body && encode(body),
    what: `${asks === 'empty' ? 'empty ' : ''}Sync${describe(extras)} ${asked.map(describeAsk).join(', ')}`,
    element: body,
    learn: (response) => learn(phone, asked, response),
    take: (response) =>
      take(
        phone,
        asked,
        { ...extras, sentAt, mayBeIncomplete: repeated.length > 0 || asks === 'empty' },
        response,
      ),
    told: (response) => told(response),
    concerns: asked.flatMap(({ folder, commands }) => commands.map(({ id }) => ({ folder, id }))),
    folders: asked.map(({ folder }) => folder),
  };
}

function askedOf(phone: Phone, ask: Ask): Asked {
  const collection = phone.collection(ask.folder);
  const commands = collection.key === '0' ? [] : (ask.commands ?? []);
  const subjects = new Map(commands.map(({ id }) => [id, collection.items.get(id)?.subject ?? '?']));
  return { ...ask, key: collection.key, commands, subjects };
}

function syncElement(version: ProtocolVersion, asked: readonly Asked[], extras: SyncExtras): Element {
  const { windowSize, waitMinutes, heartbeatSeconds, partial } = extras;
  return el(
    AirSync.Sync,
    asked.length === 0
      ? undefined
      : el(AirSync.Collections, ...asked.map((one) => collectionElement(version, one))),
    waitMinutes === undefined ? undefined : el(AirSync.Wait, waitMinutes),
    heartbeatSeconds === undefined ? undefined : el(AirSync.HeartbeatInterval, heartbeatSeconds),
    windowSize === undefined ? undefined : el(AirSync.WindowSize, windowSize),
    partial === true ? el(AirSync.Partial) : undefined,
  );
}

function collectionElement(version: ProtocolVersion, asked: Asked): Element {
  const { folder, key, commands, permanently, getChanges, windowSize, settings } = asked;
  return el(
    AirSync.Collection,
    isAtLeast(version, '12.1') ? undefined : el(AirSync.Class, 'Email'),
    el(AirSync.SyncKey, key),
    el(AirSync.CollectionId, folder),
    permanently === undefined ? undefined : el(AirSync.DeletesAsMoves, !permanently),
    getChanges === undefined ? undefined : el(AirSync.GetChanges, getChanges),
    windowSize === undefined ? undefined : el(AirSync.WindowSize, windowSize),
    settings === undefined ? undefined : optionsElement(version, settings),
    commands.length === 0 ? undefined : el(AirSync.Commands, ...commands.map(commandElement)),
  );
}

function optionsElement(version: ProtocolVersion, { filterType, serverWins }: Settings): Element {
  return el(
    AirSync.Options,
    el(AirSync.FilterType, filterType),
    el(AirSync.Conflict, serverWins),
    isAtLeast(version, '12.0') ? el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, 1)) : undefined,
  );
}

function commandElement(command: Command): Element {
  const data = command.kind === 'change' ? command.data : undefined;
  return el(tags[command.kind], el(AirSync.ServerId, command.id), data);
}

function collectionsOf({ element }: EasResponse): readonly Element[] {
  return childrenOf(child(element, AirSync.Collections), AirSync.Collection);
}

/** The Status of each of the commands; 1 is what is not spoken of. */
function statusOf(command: Command, answer: Element | undefined): number {
  const responses = childrenOf(child(answer, AirSync.Responses), tags[command.kind]);
  const own = responses.find((one) => textOf(one, AirSync.ServerId) === command.id);
  return integerOf(own, AirSync.Status) ?? 1;
}

/** What the request has done to the mailbox, whether or not the phone gets to know. */
function learn(phone: Phone, asked: readonly Asked[], response: EasResponse | undefined): void {
  const answers = new Map(
    response === undefined
      ? []
      : collectionsOf(response).map((one) => [textOf(one, AirSync.CollectionId), one]),
  );
  const isRefused = response !== undefined && (response.status !== 200 || (response.rootStatus ?? 1) !== 1);
  if (isRefused) return;
  for (const one of asked) {
    const answer = answers.get(one.folder);
    if ((integerOf(answer, AirSync.Status) ?? 1) !== 1) continue;
    for (const command of one.commands)
      learnCommand(phone, one, command, response && statusOf(command, answer));
  }
}

function learnCommand(phone: Phone, asked: Asked, command: Command, status: number | undefined): void {
  const { model, id: device } = phone;
  const subject = asked.subjects.get(command.id) ?? '?';
  const certainty = status === undefined ? 'unknown' : 'done';
  if (status !== undefined && status !== 1) return;
  if (command.kind === 'change') {
    if (status === 1) checkConflict(phone, asked, subject, command.data);
    model.mark(subject, asked.folder, readMarks(command.data), device, certainty);
  }
  if (command.kind === 'delete') {
    const isForGood = asked.permanently === true || asked.folder === trash;
    model.move(subject, asked.folder, isForGood ? gone : trash, certainty);
  }
}

/** MS-ASCMD, Conflict: what somebody else has changed to something else is not taken from a phone that did not know it. */
function checkConflict(phone: Phone, asked: Asked, subject: string, data: Element): void {
  const collection = phone.collection(asked.folder);
  const { serverWins } = asked.settings ?? collection.settings;
  const { model } = phone;
  const isSure = collection.isAtExact && asked.key === collection.key && !model.isCrowded;
  if (!serverWins || !isSure) return;
  const lost = model.overwritten(subject, readMarks(data), phone.id, collection.at);
  if (lost !== undefined) phone.complain(`${lost} of ${subject} was written by another, and is overwritten`);
}

interface Sent extends SyncExtras {
  readonly sentAt: number;
  readonly mayBeIncomplete: boolean;
}

/** The phone goes on from the answer. */
function take(phone: Phone, asked: readonly Asked[], sent: Sent, response: EasResponse): void {
  if (response.status !== 200) {
    phone.complain(`Sync was answered HTTP ${response.status}`);
    return;
  }
  const root = response.rootStatus ?? 1;
  if (root === 13 && sent.mayBeIncomplete) {
    phone.forgetCached();
    return;
  }
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
    const isConflict = phone.model.wasWrittenByOthers(subject, phone.id, collection.at);
    if (!collection.settings.serverWins || !isConflict)
      phone.complain(`a conflict over ${subject}, and there is none`);
  } else if (status === 8) {
    if (phone.model.isKnownIn(subject, asked.folder) && !phone.model.isCrowded)
      phone.complain(`${subject} is called missing`);
  } else if (status !== 1) {
    phone.complain(`Status ${status} of a ${command.kind} of ${subject}`);
  }
  if (command.kind === 'fetch') checkFetched(phone, id, subject, status, answer);
  if (status !== 1) return;
  if (command.kind === 'delete') collection.items.delete(id);
  if (command.kind === 'change' && held !== undefined)
    collection.items.set(id, { ...held, ...shown(phone.version, readMarks(command.data)) });
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

/** An answer in a few words. */
function told(response: EasResponse): string {
  if (response.element === undefined) return response.status === 200 ? 'nothing' : `HTTP ${response.status}`;
  if (response.rootStatus !== undefined) return `Status ${response.rootStatus}`;
  return collectionsOf(response).map(toldOfCollection).join('; ');
}

function toldOfCollection(answer: Element): string {
  const [id, key] = [AirSync.CollectionId, AirSync.SyncKey].map((tag) => textOf(answer, tag));
  const commands = (child(answer, AirSync.Commands)?.children ?? []).map((one) =>
    [one.tag.name, textOf(one, AirSync.ServerId), textOf(one, AirSync.ApplicationData, Email.Subject)]
      .join(' ')
      .trim(),
  );
  const responses = (child(answer, AirSync.Responses)?.children ?? []).map(
    (one) => `[${one.tag.name} ${textOf(one, AirSync.ServerId)} Status ${textOf(one, AirSync.Status)}]`,
  );
  const status = textOf(answer, AirSync.Status);
  const more = has(answer, AirSync.MoreAvailable) ? ' more' : '';
  return `${id}: ${status === '1' ? '' : `Status ${status} `}key ${key}${more} ${[...responses, ...commands].join(', ')}`.trim();
}

function describe({ windowSize, waitMinutes, heartbeatSeconds, partial }: SyncExtras): string {
  const said = { windowSize, waitMinutes, heartbeatSeconds, partial };
  return Object.entries(said)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${value}`)
    .join('');
}

function describeAsk({
  folder,
  key,
  commands,
  permanently,
  getChanges,
  windowSize,
  settings,
  subjects,
}: Asked): string {
  const parts = [
    `${folder} key ${key}`,
    permanently === true ? 'permanently' : '',
    getChanges === undefined ? '' : `getChanges=${getChanges}`,
    windowSize === undefined ? '' : `window=${windowSize}`,
    settings === undefined ? '' : JSON.stringify(settings),
    ...commands.map(
      (one) =>
        `${one.kind} ${one.id} (${subjects.get(one.id)})${one.kind === 'change' ? ` ${JSON.stringify(readMarks(one.data))}` : ''}`,
    ),
  ];
  return parts.filter((part) => part !== '').join(' ');
}
