/** Requests that wait, and what they tell: Ping, Sync with Wait, and the estimate of what waits. */
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
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
import type { Choices } from '#test/support/choices';
import type { EasResponse } from '#test/support/eas-connection';
import { deliver } from './elsewhere.ts';
import { type Call, hasWait, type Phone } from './phone.ts';
import { keep } from './requests.ts';
import { syncCall } from './sync-call.ts';
import type { Ask } from './sync-request.ts';
import type { World } from './world.ts';

const inbox = '1';
/** A request that should have been woken by now. */
const watchMs = 20_000;

/** A request that changes nothing, and whose answer is looked at by hand. */
function question(command: string, element: Element, told: (answer: Element | undefined) => string): Call {
  return {
    command,
    bytes: encode(element),
    element,
    what: command,
    told: ({ element: answer, status }) => (status === 200 ? told(answer) : `HTTP ${status}`),
    learn: () => undefined,
    take: () => undefined,
    concerns: [],
    folders: [],
  };
}

/** Mail comes while a request is under way, or its time runs out. Undefined when no answer came. */
async function whileWaiting(
  call: Call,
  phone: Phone,
  world: World,
  isWoken: boolean,
): Promise<EasResponse | undefined> {
  const sent = phone.send(call);
  const { inside } = world.home;
  if (!isWoken && inside !== undefined) {
    await inside.clock.expire(sent);
    return sent;
  }
  while (!(await deliver(world))) {}
  const watch = setTimeout(() => {
    world.complain(`${phone.id} waits, and mail has come: ${call.what}`);
    phone.disconnect();
  }, watchMs);
  const response = await sent;
  clearTimeout(watch);
  return response;
}

/** How many changes of the server an answer has for a folder. */
function countIn(response: EasResponse | undefined, folder: string): number {
  const collections = childrenOf(child(response?.element, AirSync.Collections), AirSync.Collection);
  const own = collections.find((one) => textOf(one, AirSync.CollectionId) === folder);
  return child(own, AirSync.Commands)?.children.length ?? 0;
}

/** Asks for a folder, plainly; undefined when no answer came. */
function plainSync(phone: Phone, folder: string): Promise<EasResponse | undefined> {
  phone.forgetCached();
  return phone.exchange(syncCall(phone, [{ folder, windowSize: 512 }]));
}

export async function ping(phone: Phone, choices: Choices, world: World): Promise<void> {
  const folders = phone.synced.filter(({ isForked }) => !isForked).map(({ id }) => id);
  const isWoken = world.home.inside === undefined || choices.oneIn(2);
  if (!folders.includes(inbox)) return;
  const listed = folders.map((id) => el(Ping.Folder, el(Ping.Id, id), el(Ping.Class, 'Email')));
  const element = el(
    Ping.Ping,
    el(Ping.HeartbeatInterval, 60 + choices.below(3000)),
    el(Ping.Folders, ...listed),
  );
  const answered = (answer: Element | undefined) =>
    childrenOf(child(answer, Ping.Folders), Ping.Folder).map(({ text }) => text);
  const told = (answer: Element | undefined) =>
    `Status ${textOf(answer, Ping.Status)} ${answered(answer).join(', ')}`;
  const call = question('Ping', element, told);
  const response = await whileWaiting(call, phone, world, isWoken);
  phone.note(`Ping ${folders.join(', ')} -> ${response === undefined ? 'no answer' : call.told(response)}`);
  if (response === undefined) return;
  const status = response.rootStatus;
  if (status === 7) return await checkHierarchy(phone);
  if (status !== 2 && status !== 1)
    phone.complain(`Ping was answered HTTP ${response.status}, Status ${status}`);
  if (isWoken && status === 1) phone.complain('Ping says nothing, and mail has come');
  const named = answered(response.element);
  for (const folder of folders) {
    const synced = await plainSync(phone, folder);
    if (synced === undefined) return;
    const count = countIn(synced, folder);
    if (named.includes(folder) && count === 0) phone.complain(`Ping names ${folder}, and Sync has nothing`);
    // What it does not name may have come after it was answered.
    if (status === 1 && count > 0)
      phone.complain(`Ping does not name ${folder}, and Sync has ${count} changes`);
  }
}

async function checkHierarchy(phone: Phone): Promise<void> {
  const key = phone.folderKey;
  const response = await phone.exchange(phone.folderSyncCall());
  if (response !== undefined && phone.folderKey === key)
    phone.complain('Ping asks for a FolderSync that has nothing');
}

export async function waitingSync(phone: Phone, choices: Choices, world: World): Promise<void> {
  const collections = phone.synced.filter(({ isForked }) => !isForked);
  if (!hasWait(phone.version) || !collections.some(({ id }) => id === inbox)) return;
  const isWoken = world.home.inside === undefined || choices.oneIn(2);
  const asks = collections.map(({ id }): Ask => ({ folder: id, windowSize: choices.of([undefined, 1, 5]) }));
  const isMinutes = !isAtLeast(phone.version, '14.0') || choices.oneIn(2);
  const extras = isMinutes
    ? { waitMinutes: 1 + choices.below(59) }
    : { heartbeatSeconds: 60 + choices.below(3000) };
  keep(phone, asks, extras);
  const call = syncCall(phone, asks, extras);
  phone.lastSync = call;
  world.model.isCrowded = true;
  const response = await whileWaiting(call, phone, world, isWoken);
  phone.note(`${call.what} -> ${response === undefined ? 'no answer' : call.told(response)}`);
  if (response === undefined) {
    phone.forgetCached();
    phone.unanswered = syncCall(phone, asks);
  } else {
    if (choices.oneIn(4)) phone.unanswered = syncCall(phone, asks);
    else call.take(response);
    if (isWoken && response.element === undefined)
      phone.complain('a Sync waited for mail, and says nothing of it');
  }
  world.model.isCrowded = false;
}

/** The line of a waiting Sync is dead, and the phone does not wait for it any more; it must not change what the phone has. */
export async function leftBehind(phone: Phone, _choices: Choices, world: World): Promise<void> {
  const { inside } = world.home;
  const inboxState = phone.synced.find(({ id, isForked }) => id === inbox && !isForked);
  if (inside === undefined || inboxState === undefined || !hasWait(phone.version)) return;
  phone.forgetCached();
  const call = syncCall(phone, [{ folder: inbox }], { waitMinutes: 10 });
  const begun = inside.clock.waiter();
  const sent = phone.send(call);
  await Promise.race([begun, sent]);
  // A change of its own gives the phone a new key.
  const [id, held] = [...inboxState.items][0] ?? [];
  const data = el(AirSync.ApplicationData, el(Email.Read, held?.read !== true));
  const commands = id === undefined ? [] : [{ kind: 'change', id, data } as const];
  await phone.exchange(syncCall(phone, [{ folder: inbox, commands }]));
  await deliver(world);
  await inside.clock.expire(sent);
  const response = await sent;
  phone.note(`left behind: ${call.what} -> ${response && call.told(response)}, to nobody`);
  // It had something to say before it was left behind.
  if (response?.element !== undefined) inboxState.isForked = true;
}

export async function estimate(phone: Phone, choices: Choices): Promise<void> {
  const collection = choices.of(phone.synced.filter(({ isForked }) => !isForked));
  if (collection === undefined) return;
  const { id, key } = collection;
  const { filterType } = collection.settings;
  const filter = el(AirSync.FilterType, filterType);
  const parts = isAtLeast(phone.version, '14.0')
    ? [el(AirSync.SyncKey, key), el(GetItemEstimate.CollectionId, id), el(AirSync.Options, filter)]
    : [
        el(GetItemEstimate.Class, 'Email'),
        el(GetItemEstimate.CollectionId, id),
        filter,
        el(AirSync.SyncKey, key),
      ];
  const request = el(
    GetItemEstimate.GetItemEstimate,
    el(GetItemEstimate.Collections, el(GetItemEstimate.Collection, ...parts)),
  );
  const { Response, Status, Collection, Estimate } = GetItemEstimate;
  const status = (answer: Element | undefined) => integerOf(answer, Response, Status);
  const count = (answer: Element | undefined) => integerOf(answer, Response, Collection, Estimate);
  const call = question('GetItemEstimate', request, (answer) => `Status ${status(answer)}: ${count(answer)}`);
  const response = await phone.send(call);
  if (response === undefined) return;
  phone.note(`GetItemEstimate ${id} key ${key} -> ${call.told(response)}`);
  if (status(response.element) === 2) return;
  const synced = await plainSync(phone, id);
  const counted = countIn(synced, id);
  const collections = child(synced?.element, AirSync.Collections);
  if (synced === undefined || has(child(collections, AirSync.Collection), AirSync.MoreAvailable)) return;
  if (count(response.element) !== counted)
    phone.complain(`an estimate of ${count(response.element)}, and ${counted} changes`);
}
