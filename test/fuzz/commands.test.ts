import { expect, onTestFinished, test } from 'vitest';
import type { DeviceId, FolderId } from '#domain/ids';
import type { Mailbox } from '#domain/mailbox';
import { commands } from '#protocols/activesync/commands/index';
import { isAtLeast, type ProtocolVersion, protocolVersions } from '#protocols/activesync/protocol-version';
import type { Element } from '#protocols/activesync/wbxml/element';
import { Choices } from '#test/support/choices';
import { EasClient } from '#test/support/eas-client';
import type { EasResponse } from '#test/support/eas-connection';
import { assertValid } from '#test/support/eas-schema';
import { Site } from '../convergence/station.ts';
import { truthOf } from '../convergence/world.ts';
import { casesOf } from './cases.ts';
import { type Known, messageFor, requestsFor } from './corpus.ts';
import { fuzzed, mutatedBytes } from './mutate.ts';

/** MS-ASHTTP: what a request may be refused with; 500 and 507 only below 14.0, where they stand for a status. */
const httpStatuses: readonly number[] = [200, 400, 403, 449, 501];
const httpStatusesBelow14: readonly number[] = [...httpStatuses, 500, 507];
/** After so many cases it is looked whether all is well. */
const casesBetween = 50;
const serverErrorRetryLater = 111;
/** Roots that are not called as their command. */
const roots: Readonly<Record<string, string>> = {
  GetHierarchy: 'Folders',
  CreateCollection: 'Response',
  DeleteCollection: 'Response',
  MoveCollection: 'Response',
};

/** A phone that sends what it likes, another one of the same user, and the mailbox. */
async function start() {
  const site = await Site.open();
  onTestFinished(() => site.close());
  const station = await site.station();
  const home = await station.home('fuzz');
  const { baseUrl, ca } = await home.address();
  const { user, password, inside, correspondent } = home;
  if (inside === undefined) throw new Error('the server is in this process');
  const phone = (deviceId: string) => {
    const validate = deviceId !== 'fuzzer';
    const client = new EasClient({ baseUrl, user, password, deviceId, validate, ...(ca && { ca }) });
    onTestFinished(() => client.close());
    return client;
  };
  const deliver = (subject: string) =>
    home.deliver(`From: a@example.org\r\nTo: ${user}\r\nSubject: ${subject}\r\n\r\nText of ${subject}.\r\n`);
  const fuzzer = phone('fuzzer');
  const witness = phone('witness');
  for (const one of [fuzzer, witness]) {
    await one.provision();
    await one.folderSync();
  }
  return { site, fuzzer, witness, deliver, correspondent, ...inside };
}

type Fuzzing = Awaited<ReturnType<typeof start>>;

/** What the server keeps of a device. */
async function stateOf({ reader }: Mailbox, { deviceId }: EasClient): Promise<string> {
  const device = deviceId.toLowerCase() as DeviceId;
  const folders = [1, 2, 3, 6] as FolderId[];
  const states = await Promise.all(folders.map((folder) => reader.syncStates(device, folder)));
  const cached = await reader.cachedRequests(device);
  return JSON.stringify([states, await reader.folderSyncStates(device), cached]);
}

/** The request was not done, nor a part of it. */
function isRefused(command: string, { status, rootStatus = 1 }: EasResponse): boolean {
  const isProtocolError = rootStatus === 4 && (command === 'Sync' || command === 'Ping');
  return status !== 200 || rootStatus > 100 || isProtocolError;
}

/** What is wrong with an answer. */
function faultOf(command: string, response: EasResponse, version: ProtocolVersion): string | undefined {
  const { status, element, rootStatus, headers } = response;
  const allowed = isAtLeast(version, '14.0') ? httpStatuses : httpStatusesBelow14;
  if (!allowed.includes(status)) return `HTTP ${status}`;
  if (element !== undefined && element.tag.name !== (roots[command] ?? command)) {
    return `an answer of ${element.tag.name}`;
  }
  if (rootStatus === serverErrorRetryLater) return 'Status 111';
  if (headers.connection === 'close') return 'the connection ends';
  return element && schemaFaultOf(command, element, version);
}

/** What the schemas do not allow, but for what the request made so: other versions' tags, and nodes that it named twice. */
function schemaFaultOf(command: string, element: Element, version: ProtocolVersion): string | undefined {
  try {
    assertValid('response', element, command, version);
    return undefined;
  } catch (error) {
    const { message } = error instanceof Error ? error : new Error(String(error));
    const isTwice = command === 'Settings' && message.includes('This element is not expected');
    return isTwice || message.includes('does not exist in') ? undefined : message;
  }
}

/** Both phones have what is there, and mail that comes reaches them. */
async function checkHealth({ fuzzer, witness, mailbox, deliver }: Fuzzing, told: string): Promise<void> {
  await deliver(`health ${told}`);
  const { items } = await truthOf(mailbox);
  const expected = items.filter(({ folder }) => folder === '1').map(({ serverId }) => serverId);
  for (const phone of [fuzzer, witness]) {
    if (phone === fuzzer) {
      phone.version = '14.1';
      await phone.provision();
      phone.folderKey = '0';
      // What it did with its messages itself it was not told.
      phone.collection('1').reset();
    }
    expect(await phone.folderSync(), told).toBe(1);
    const held = await phone.syncAll('1', { body: { type: 1 } });
    expect([...held.keys()].sort(), `${told}, ${phone.deviceId}`).toEqual(expected.sort());
  }
  expect(witness.collection('1').anomalies, told).toEqual([]);
}

/** The bytes of a case; undefined is a request without a body. */
function bodyOf(
  command: string,
  version: ProtocolVersion,
  known: Known,
  choices: Choices,
): Uint8Array | undefined {
  if (choices.oneIn(30)) return undefined;
  const { takesMessage } = commands[command as keyof typeof commands];
  if (takesMessage && !isAtLeast(version, '14.0') && !choices.oneIn(4)) {
    return mutatedBytes(Buffer.from(messageFor(known)), choices);
  }
  const root = choices.of(requestsFor(command, known));
  return root && fuzzed(root, choices);
}

function queryOf(known: Known, choices: Choices): Record<string, string> {
  const names = [
    'CollectionId',
    'ItemId',
    'LongId',
    'AttachmentName',
    'Occurrence',
    'SaveInSent',
    'ParentId',
    'CollectionName',
  ];
  const values = [
    '',
    'x',
    '1',
    '999',
    known.item,
    `${known.item}:1`,
    'T',
    '2026-11-22T08:00:00.000Z',
    'x'.repeat(2000),
  ];
  return Object.fromEntries(choices.some(names, 3).map((name) => [name, choices.of(values) ?? '']));
}

async function runCase(command: string, n: number, fuzzing: Fuzzing): Promise<void> {
  const { site, fuzzer, mailbox, clock, correspondent } = fuzzing;
  const choices = new Choices(n);
  const version = choices.of(protocolVersions) ?? '14.1';
  const told = `${command} ${version} FUZZ_CASE=${n}`;
  const { syncKey, items } = fuzzer.collection('1');
  const item = [...items.keys()][0] ?? '1:1';
  const known = { folderKey: fuzzer.folderKey, syncKey, inbox: '1', item, address: correspondent };
  const body = bodyOf(command, version, known, choices);
  // Some commands are asked by the query alone.
  const query = choices.oneIn(command in roots || command === 'GetAttachment' ? 1 : 4)
    ? queryOf(known, choices)
    : {};
  const before = await stateOf(mailbox, fuzzer);
  fuzzer.version = version;
  const sent = fuzzer.post(command, body, { query, acceptMultiPart: choices.oneIn(10) });
  await clock.expire(sent.catch(() => undefined));
  const response = await sent.catch((error: unknown) => {
    throw new Error(told, { cause: error });
  });
  expect(faultOf(command, response, version), told).toBeUndefined();
  if (isRefused(command, response)) expect(await stateOf(mailbox, fuzzer), `${told}: the state`).toBe(before);
  expect(site.faults, told).toEqual([]);
}

test.each(Object.keys(commands))(
  '%s: whatever comes in any version, the answer is a foreseen one, and the state unharmed',
  { timeout: 7_200_000 },
  async (command) => {
    const fuzzing = await start();
    for (let n = 0; n < 3; n++) await fuzzing.deliver(`mail ${n}`);
    await checkHealth(fuzzing, 'at first');
    for (const n of casesOf(100)) {
      await runCase(command, n, fuzzing);
      if (n % casesBetween === 0) await checkHealth(fuzzing, `${command} after FUZZ_CASE=${n}`);
    }
    await checkHealth(fuzzing, `${command} in the end`);
    expect(fuzzing.site.faults).toEqual([]);
  },
);
