/** A Sync request of a phone: how it is written, what it does to the mailbox, what the phone makes of the answer. */
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { type Element, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import type { EasResponse } from '#test/support/eas-connection';
import { readMarks, type Settings } from './collection.ts';
import { gone } from './model.ts';
import type { Call, Phone } from './phone.ts';
import {
  type Ask,
  type Asked,
  type Command,
  collectionsOf,
  type SyncExtras,
  statusOf,
  tags,
} from './sync-request.ts';
import { take } from './sync-take.ts';
import { describe, describeAsk, told } from './sync-words.ts';

const trash = '3';
const sentItems = '4';

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
  let sentAt = phone.model.at;
  let isSaid = false;
  return {
    command: 'Sync',
    bytes: body && encode(body),
    what: `${asks === 'empty' ? 'empty ' : ''}Sync${describe(extras)} ${asked.map(describeAsk).join(', ')}`,
    element: body,
    begin: () => {
      sentAt = phone.model.at;
      isSaid = leaveUnsaid(phone, repeated);
    },
    learn: (response) => learn(phone, asked, response),
    take: (response) => {
      if (response.rootStatus === 13 && (extras.partial === true || asks === 'empty')) {
        // MS-ASCMD, Status 13: the whole request is sent.
        if (isSaid && typeof phone.cached === 'object')
          phone.complain('a request that can be repeated is answered Status 13');
        phone.forgetCached();
        phone.unanswered = syncCall(phone, [...named, ...repeated]);
        return;
      }
      // Of folders that find no room in the answer the keys are not looked at.
      const hasRoom = extras.windowSize === undefined;
      for (const { folder, key } of asked.slice(0, hasRoom ? named.length : 0))
        phone.collection(folder).namedKey = key;
      take(phone, asked, { ...extras, sentAt }, response);
    },
    told: (response) => told(response),
    concerns: asked.flatMap(({ folder, commands }) => commands.map(({ id }) => ({ folder, id }))),
    folders: asked.map(({ folder }) => folder),
    isWaiting: (extras.waitMinutes ?? extras.heartbeatSeconds) !== undefined,
  };
}

/** Whether the server was told the keys of these folders; it does not know any more whether the phone has them. */
function leaveUnsaid(phone: Phone, repeated: readonly Ask[]): boolean {
  const collections = repeated.map(({ folder }) => phone.collection(folder));
  const isSaid = collections.every(({ key, namedKey }) => key === namedKey);
  for (const collection of collections) collection.namedKey = '';
  return isSaid;
}

function askedOf(phone: Phone, ask: Ask): Asked {
  const collection = phone.collection(ask.folder);
  const commands = collection.key === '0' ? [] : (ask.commands ?? []);
  const subjects = new Map(
    commands.map((one) => [
      one.id,
      one.kind === 'add' ? one.subject : (collection.items.get(one.id)?.subject ?? '?'),
    ]),
  );
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
  const name = command.kind === 'add' ? AirSync.ClientId : AirSync.ServerId;
  const isSent = command.kind === 'send' ? el(Email2.Send) : undefined;
  return el(tags[command.kind], el(name, command.id), isSent, 'data' in command ? command.data : undefined);
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
  if (command.kind === 'add') {
    const places = status === undefined ? [asked.folder, gone] : [asked.folder];
    const { importance } = readMarks(command.data);
    if (!model.items.has(subject)) model.add(subject, phone.nowMs(), places, true, importance);
  }
  if (command.kind === 'send') model.sent(subject, asked.folder, sentItems, device, certainty);
  if (command.kind === 'change' || command.kind === 'write') {
    if (status === 1) checkConflict(phone, asked, subject, command.data);
    model.mark(subject, asked.folder, readMarks(command.data), device, certainty);
  }
  if (command.kind === 'delete') {
    const isForGood = asked.permanently === true || asked.folder === trash;
    model.move(subject, asked.folder, isForGood ? gone : trash, device, certainty);
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
