import { describe, expect, test } from 'vitest';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { MeetingResponse } from '#protocols/activesync/wbxml/code-pages/meeting-response';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { childrenOf, type Element, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import type { EasClient } from '#test/support/eas-client';
import { startEndpoint } from './server.ts';

const { Request, Result, UserResponse, CollectionId, RequestId, InstanceId, Status } = MeetingResponse;
const versions = ['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;

async function start(version: (typeof versions)[number]) {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  const item = await server.deliver('An invitation?');
  return { phone, serverId: `1:${item}` };
}

const ids = (requestId: string) => [el(CollectionId, '1'), el(RequestId, requestId)];
const longId = el(Search.LongId, '1:1');

/** RequestId and Status of each Result; the HTTP status in place of an answer without a document. */
async function respond(phone: EasClient, ...requests: readonly (readonly Element[])[]) {
  const body = el(
    MeetingResponse.MeetingResponse,
    ...requests.map((parts) => el(Request, el(UserResponse, 1), ...parts)),
  );
  return read(await phone.post('MeetingResponse', body, { validateRequest: false }));
}

function read({ status, element }: Awaited<ReturnType<EasClient['post']>>) {
  if (status !== 200) return status;
  return childrenOf(element, Result).map((one) => [textOf(one, RequestId), integerOf(one, Status)]);
}

describe.each(versions)('%s', (version) => {
  const common = (status: number, requestId?: string) =>
    isAtLeast(version, '14.0') ? [[requestId, status]] : 400;

  test('MeetingResponse: an item that is gone, or is no meeting request, answers Status 2 with its RequestId, again and again', async () => {
    const { phone, serverId } = await start(version);
    for (let n = 0; n < 2; n++) {
      for (const answer of [1, 2, 3]) {
        const request = (id: string) => el(Request, el(UserResponse, answer), ...ids(id));
        const body = el(MeetingResponse.MeetingResponse, request(serverId), request('1:999'), request('x'));
        expect(read(await phone.command('MeetingResponse', body))).toEqual([
          [serverId, 2],
          ['1:999', 2],
          ['x', 2],
        ]);
      }
    }
  });

  test('MeetingResponse: LongId alone answers Status 2, without ids 2, together with ids 105 (below 14.0 HTTP 400)', async () => {
    const { phone } = await start(version);
    expect(await respond(phone, [longId], [])).toEqual([
      [undefined, 2],
      [undefined, 2],
    ]);
    expect(await respond(phone, [...ids('1:5'), longId])).toEqual(common(105, '1:5'));
    expect(await respond(phone, [el(CollectionId, '1'), longId])).toEqual(common(105));
  });

  test('MeetingResponse: InstanceId is no date of its format, Status 104; before 14.1 any InstanceId answers 2', async () => {
    const { phone } = await start(version);
    const instance = (text: string) => respond(phone, [...ids('1:5'), el(InstanceId, text)]);
    expect(await instance('2026-11-22T11:30:00.000Z')).toEqual([['1:5', 2]]);
    for (const text of [
      '20261122T113000Z',
      '2026-11-22T11:30:00Z',
      '2026-02-30T11:30:00.000Z',
      'today',
      '',
    ]) {
      expect(await instance(text)).toEqual([['1:5', isAtLeast(version, '14.1') ? 104 : 2]]);
    }
  });

  test('MeetingResponse: no Request, more than 100, no UserResponse or a long RequestId answer 103 (below 14.0 HTTP 400)', async () => {
    const { phone } = await start(version);
    const hundred = Array.from({ length: 100 }, () => ids('1:5'));
    expect(await respond(phone, ...hundred)).toHaveLength(100);
    expect(await respond(phone, ...hundred, ids('1:5'))).toEqual(common(103));
    expect(await respond(phone)).toEqual(common(103));
    expect(await respond(phone, ids('1'.repeat(65)))).toEqual(common(103));
    for (const answer of ['0', '4', 'yes', '']) {
      const body = el(MeetingResponse.MeetingResponse, el(Request, el(UserResponse, answer), ...ids('1:5')));
      expect(read(await phone.post('MeetingResponse', body, { validateRequest: false }))).toEqual(
        common(103),
      );
    }
  });
});

test.each(['16.0', '16.1'] as const)(
  'MeetingResponse in %s: SendResponse sends nothing for a meeting that is not there',
  async (version) => {
    const { phone } = await start(version);
    const { SendResponse, ProposedStartTime, ProposedEndTime } = MeetingResponse;
    const body = el(AirSyncBase.Body, el(AirSyncBase.Type, 1), el(AirSyncBase.Data, 'I am coming.'));
    const times = [el(ProposedStartTime, '20261122T113000Z'), el(ProposedEndTime, '20261122T123000Z')];
    expect(await respond(phone, [...ids('1:5'), el(SendResponse, body, ...times)])).toEqual([['1:5', 2]]);
    await phone.folderSync();
    expect((await phone.syncAll(phone.folder(5))).size).toBe(0);
  },
);
