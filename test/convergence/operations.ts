/** What may happen, a row each: on the phones here, elsewhere in `elsewhere.ts`. */
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { Move } from '#protocols/activesync/wbxml/code-pages/move';
import { childrenOf, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import type { Choices } from '#test/support/choices';
import { elsewhere, moveOn } from './elsewhere.ts';
import { createFolder, deleteFolder, updateFolder } from './folders.ts';
import { gone } from './model.ts';
import type { Operation } from './operation.ts';
import { type Call, hasWait, type Phone } from './phone.ts';
import { asksOf, keep, sync, windowOf } from './requests.ts';
import { syncCall } from './sync-call.ts';
import type { Ask } from './sync-request.ts';
import { estimate, leftBehind, ping, waitingSync } from './waiting.ts';
import type { World } from './world.ts';

const sentItems = '4';
const drafts = '2';

/** A row of something that a phone does; what it was not answered comes first. */
function byPhone(
  name: string,
  weight: number,
  run: (phone: Phone, choices: Choices, world: World) => Promise<void>,
): Operation {
  return {
    name,
    weight,
    run: async (world, choices) => {
      const phone = choices.of(world.phones);
      if (phone === undefined) return;
      await phone.settle(() => choices.oneIn(3));
      await run(phone, choices, world);
    },
  };
}

export const operations: readonly Operation[] = [
  ...elsewhere,
  byPhone('a Sync', 8, (phone, choices) => sync(phone, asksOf(phone, choices, 1), {}, choices.oneIn(5))),
  byPhone('a Sync of several folders', 8, (phone, choices) =>
    sync(phone, asksOf(phone, choices, 4), windowOf(choices), choices.oneIn(5)),
  ),
  byPhone('changes, and nothing asked for', 2, (phone, choices) =>
    sync(
      phone,
      asksOf(phone, choices, 2).map((ask) => ({ ...ask, getChanges: false })),
      {},
      choices.oneIn(5),
    ),
  ),
  byPhone('new Options', 3, newOptions),
  byPhone('MoveItems', 4, moveItems),
  byPhone('FolderSync', 2, async (phone, choices) => {
    await phone.exchange(phone.folderSyncCall(), choices.oneIn(4));
  }),
  byPhone('FolderCreate', 2, createFolder),
  byPhone('FolderUpdate', 2, updateFolder),
  byPhone('FolderDelete', 1, deleteFolder),
  byPhone('SmartReply', 2, smartReply),
  byPhone('an empty Sync', 3, emptySync),
  byPhone('an empty Sync, and nothing to repeat', 1, emptySyncOfNothing),
  byPhone('a Partial Sync', 3, partialSync),
  byPhone('a late repeat', 4, lateRepeat),
  byPhone('the same Sync twice at once', 2, twiceAtOnce),
  byPhone('two Syncs at once', 2, twoAtOnce),
  byPhone('a Sync that is broken off', 2, brokenOff),
  byPhone('a folder from the beginning', 1, async (phone, choices) => {
    const collection = choices.of(phone.synced);
    collection?.reset();
    if (collection !== undefined) await sync(phone, [{ folder: collection.id }], {}, choices.oneIn(4));
  }),
  byPhone('a phone that lost everything', 1, async (phone, choices) => {
    phone.reset();
    await phone.exchange(phone.folderSyncCall(), choices.oneIn(4));
  }),
  byPhone('GetItemEstimate', 2, estimate),
  byPhone('Ping', 4, ping),
  byPhone('a waiting Sync', 3, waitingSync),
  byPhone('a waiting Sync that is left behind', 2, leftBehind),
  { name: 'several phones at once', weight: 3, run: severalPhones },
];

async function newOptions(phone: Phone, choices: Choices): Promise<void> {
  const settings = { filterType: choices.of([0, 0, 1, 2, 3, 4, 5]) ?? 0, serverWins: !choices.oneIn(3) };
  const asks = asksOf(phone, choices, 1).map((ask) => ({ ...ask, settings }));
  await sync(phone, asks, {}, choices.oneIn(4));
}

/** What can be repeated without naming it: no folder whose key may be another than the phone's. */
function repeatable(
  phone: Phone,
): { readonly asks: Ask[]; readonly windowSize: number | undefined } | undefined {
  const { cached } = phone;
  if (cached === undefined || cached === 'nothing' || cached.isWaiting || !hasWait(phone.version))
    return undefined;
  const collections = cached.collections.map(({ folder }) => phone.collection(folder));
  if (collections.some(({ key, isForked }) => key === '0' || isForked)) return undefined;
  return { asks: [...cached.collections], windowSize: cached.windowSize };
}

/** Unanswered, it is repeated as it was. */
async function emptySync(phone: Phone, choices: Choices): Promise<void> {
  const repeated = repeatable(phone);
  if (repeated === undefined) return;
  const { windowSize } = repeated;
  await phone.exchange(syncCall(phone, 'empty', { windowSize }, repeated.asks), choices.oneIn(3));
}

/** What has commands, or primes a folder, cannot be repeated. */
async function emptySyncOfNothing(phone: Phone): Promise<void> {
  if (phone.cached !== 'nothing' || !hasWait(phone.version)) return;
  const response = await phone.send(syncCall(phone, 'empty'));
  if (response === undefined) return;
  phone.note(`empty Sync -> Status ${response.rootStatus}`);
  if (response.rootStatus !== 13)
    phone.complain(`a Sync that cannot be repeated is answered Status ${response.rootStatus}`);
}

async function partialSync(phone: Phone, choices: Choices): Promise<void> {
  const kept = repeatable(phone);
  const asks = asksOf(phone, choices, 1);
  if (kept === undefined || asks.length === 0) return;
  const rest = kept.asks.filter(({ folder }) => !asks.some((ask) => ask.folder === folder));
  const extras = { windowSize: choices.of([undefined, 1 + choices.below(6)]) ?? kept.windowSize };
  keep(phone, [...asks, ...rest], extras);
  await phone.exchange(syncCall(phone, asks, { ...extras, partial: true }, rest), choices.oneIn(3));
}

function fork(phone: Phone, call: Call): void {
  for (const folder of call.folders) phone.collection(folder).isForked = true;
}

/** A request that the network kept for a while comes once more, and nobody waits for its answer. */
async function lateRepeat(phone: Phone, choices: Choices, { home }: World): Promise<void> {
  const call = choices.of([phone.lastSync, phone.lastSync, phone.lastFolderCall]);
  const waits = call?.isWaiting === true;
  // The time of a server of its own passes for nobody.
  if (call?.bytes === undefined || (waits && home.inside === undefined)) return;
  const sent = phone.send(call);
  if (waits) await home.inside?.clock.expire(sent);
  const response = await sent;
  phone.note(`late: ${call.what} -> ${response && call.told(response)}, to nobody`);
  call.learn(response);
  if (call.command.startsWith('Folder')) phone.isForked = true;
  fork(phone, call);
  phone.forgetCached();
}

async function twiceAtOnce(phone: Phone, choices: Choices, { model }: World): Promise<void> {
  const asks = asksOf(phone, choices, 2);
  if (asks.length === 0) return;
  const call = syncCall(phone, asks);
  phone.forgetCached();
  phone.lastSync = call;
  model.isCrowded = true;
  const one = () => phone.send(call).then((response) => ({ response }));
  const both = [one(), one()];
  const { response } = await Promise.race(both);
  const told = (answer: typeof response) => (answer === undefined ? 'no answer' : call.told(answer));
  for (const answer of await Promise.all(both)) {
    phone.note(`twice: ${call.what} -> ${told(answer.response)}`);
    call.learn(answer.response);
  }
  if (response === undefined) phone.unanswered = call;
  else call.take(response);
  fork(phone, call);
  model.isCrowded = false;
}

/** Two requests for different folders, over two connections. */
async function twoAtOnce(phone: Phone, choices: Choices, { model }: World): Promise<void> {
  const [first, ...others] = asksOf(phone, choices, 3);
  if (first === undefined || others.length === 0) return;
  phone.forgetCached();
  const calls = [syncCall(phone, [first]), syncCall(phone, others)];
  model.isCrowded = true;
  const responses = await Promise.all(calls.map((call) => phone.send(call)));
  for (const [n, call] of calls.entries()) {
    const response = responses[n];
    phone.note(
      `beside another: ${call.what} -> ${response === undefined ? 'no answer' : call.told(response)}`,
    );
    call.learn(response);
    if (response !== undefined) call.take(response);
  }
  model.isCrowded = false;
  // Which of them was done nobody knows: each is asked for again.
  for (const [n, call] of calls.entries()) {
    if (responses[n] !== undefined) continue;
    phone.unanswered = call;
    await phone.settle();
  }
}

/** The phone hangs up before it is answered, and asks again. */
async function brokenOff(phone: Phone, choices: Choices, { model }: World): Promise<void> {
  const asks = asksOf(phone, choices, 2);
  if (asks.length === 0) return;
  const call = syncCall(phone, asks);
  phone.forgetCached();
  const controller = new AbortController();
  const sent = phone.send(call, controller.signal);
  for (let turns = choices.below(30); turns > 0; turns--)
    await new Promise((resolve) => setImmediate(resolve));
  controller.abort();
  const response = await sent;
  phone.note(`broken off: ${call.what} -> ${response === undefined ? 'no answer' : call.told(response)}`);
  // It may be done yet, also behind what comes now.
  model.isCrowded = true;
  call.learn(undefined);
  fork(phone, call);
  phone.unanswered = call;
  await phone.settle();
  model.isCrowded = false;
}

async function severalPhones(world: World, choices: Choices): Promise<void> {
  const { model, phones } = world;
  for (const phone of phones) await phone.settle();
  const plans = phones.map((phone) => asksOf(phone, choices, 3));
  world.note('-- at once');
  model.isCrowded = true;
  await Promise.all([
    ...phones.map((phone, n) => sync(phone, plans[n] ?? [], {})),
    ...(choices.oneIn(2) ? [elsewhere[0]?.run(world, choices)] : []),
  ]);
  model.isCrowded = false;
  world.note('-- one after the other');
}

async function moveItems(phone: Phone, choices: Choices, world: World): Promise<void> {
  const { model } = world;
  const source = choices.of(phone.synced.filter(({ items }) => items.size > 0));
  const to = choices.of(phone.mailFolders.filter((id) => id !== source?.id && id !== drafts));
  if (source === undefined || to === undefined) return;
  const from = source.id;
  const moved = choices.some([...source.items], 2).map(([id, { subject }]) => ({ id, subject }));
  const requests = moved.map(({ id }) =>
    el(Move.Move, el(Move.SrcMsgId, id), el(Move.SrcFldId, from), el(Move.DstFldId, to)),
  );
  const element = el(Move.MoveItems, ...requests);
  const statuses = (answer: Element | undefined) =>
    childrenOf(answer, Move.Response).map((one) => Number(textOf(one, Move.Status)));
  const call: Call = {
    command: 'MoveItems',
    bytes: encode(element),
    element,
    what: `MoveItems ${moved.map(({ id, subject }) => `${id} (${subject})`).join(', ')} to ${to}`,
    told: ({ element: answer }) => `Status ${statuses(answer).join(', ')}`,
    learn: (response) => {
      for (const [n, { subject }] of moved.entries()) {
        if (response === undefined) model.move(subject, from, to, phone.id, 'unknown');
        else if (statuses(response.element)[n] === 3) model.move(subject, from, to, phone.id, 'done');
      }
    },
    take: ({ element: answer }) => {
      for (const [n, { id, subject }] of moved.entries()) {
        const status = statuses(answer)[n];
        if (status !== 3 && status !== 1 && status !== 2)
          phone.complain(`MoveItems was answered Status ${status}`);
        if (status === 1 && model.isKnownIn(subject, from) && !model.isCrowded)
          phone.complain(`${subject} cannot be moved`);
        if (status === 3) source.movedAway.add(id);
        if (status === 3) source.items.delete(id);
      }
    },
    concerns: moved.map(({ id }) => ({ folder: from, id })),
    folders: [],
  };
  await phone.exchange(call, choices.oneIn(3));
  // What the phone moved, and does not know yet that it did, may go on from there.
  if (phone.unanswered !== undefined && choices.oneIn(2)) await moveOn(world, choices, moved);
}

async function smartReply(phone: Phone, choices: Choices, world: World): Promise<void> {
  const { model } = world;
  const source = choices.of(phone.synced.filter(({ items }) => items.size > 0));
  const [itemId, held] = choices.of([...(source?.items ?? [])]) ?? [];
  if (source === undefined || itemId === undefined || held === undefined) return;
  const subject = world.nextSubject('reply');
  const mime = Buffer.from(
    `From: ${world.home.user}\r\nTo: ${world.home.correspondent}\r\nSubject: ${subject}\r\n` +
      `Message-ID: <${subject.replace(' ', '-')}.${world.seed}@phone.example>\r\n\r\nText of ${subject}.\r\n`,
  );
  const isDocument = isAtLeast(phone.version, '14.0');
  const place = el(ComposeMail.Source, el(ComposeMail.FolderId, source.id), el(ComposeMail.ItemId, itemId));
  const element = el(
    ComposeMail.SmartReply,
    el(ComposeMail.ClientId, subject),
    place,
    el(ComposeMail.SaveInSentItems),
    el(ComposeMail.Mime, mime),
  );
  // MS-ASEMAIL, LastVerbExecuted: who answers a message of his own to somebody answers all.
  const verb = held.subject.startsWith('mail') ? 1 : 2;
  const isDone = (status: number, root: number | undefined) => status === 200 && root === undefined;
  const call: Call = {
    command: 'SmartReply',
    bytes: isDocument ? encode(element) : mime,
    element: isDocument ? element : undefined,
    ...(!isDocument && { query: { CollectionId: source.id, ItemId: itemId, SaveInSent: 'T' } }),
    what: `SmartReply ${subject} to ${itemId} (${held.subject})`,
    told: ({ status, rootStatus }) =>
      `HTTP ${status}${rootStatus === undefined ? '' : ` Status ${rootStatus}`}`,
    learn: (response) => {
      const certainty = response === undefined ? 'unknown' : 'done';
      if (response !== undefined && !isDone(response.status, response.rootStatus)) return;
      const places = response === undefined ? [sentItems, gone] : [sentItems];
      if (!model.items.has(subject)) model.add(subject, phone.nowMs(), places, true);
      // The server's own doing: the phone is told of it like the others.
      model.markAnywhere(held.subject, { verb }, 'the server', certainty);
    },
    take: ({ status, rootStatus }) => {
      const isThere = model.isKnownIn(held.subject, source.id) && !model.isCrowded;
      if (!isDone(status, rootStatus) && isThere)
        phone.complain(`SmartReply was answered HTTP ${status}, Status ${rootStatus}`);
    },
    concerns: [],
    folders: [],
  };
  await phone.exchange(call, choices.oneIn(4));
}
