import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { expect, test, vi } from 'vitest';
import { DomainError } from '#domain/errors';
import type { DeviceId } from '#domain/ids';
import { CommonStatus } from '#protocols/activesync/status';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { decode } from '#protocols/activesync/wbxml/decode';
import { el, has, integerOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { password, startEndpoint, type TestServer } from './server.ts';

const device = 'testdevice0001' as DeviceId;
const folderSync = encode(el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0')));

/** A FolderSync of alice's phone that was let in, and whose body ends when `end` is called, which gives the answer. */
async function begin(server: TestServer, policyKey: number) {
  const admitted = Promise.withResolvers<void>();
  const judge = server.access.judge.bind(server.access);
  vi.spyOn(server.access, 'judge').mockImplementation(async (...asked) => {
    const judged = await judge(...asked);
    setImmediate(admitted.resolve);
    return judged;
  });
  const query = `Cmd=FolderSync&User=alice&DeviceId=${device}&DeviceType=TestPhone`;
  const request = httpsRequest(`${server.baseUrl}/Microsoft-Server-ActiveSync?${query}`, {
    method: 'POST',
    ca: server.ca,
    agent: false,
    headers: {
      Authorization: `Basic ${Buffer.from(`${server.alice.address}:${password}`).toString('base64')}`,
      'MS-ASProtocolVersion': '14.1',
      'X-MS-PolicyKey': String(policyKey),
      'Content-Type': 'application/vnd.ms-sync.wbxml',
      'Content-Length': String(folderSync.length),
    },
  });
  request.write(folderSync.subarray(0, 3));
  await admitted.promise;
  return {
    async end(): Promise<{
      status: number | undefined;
      rootStatus: number | undefined;
      hasFolders: boolean;
    }> {
      request.end(folderSync.subarray(3));
      const [response] = await once(request, 'response');
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      const root = response.statusCode === 200 ? decode(body).root : undefined;
      return {
        status: response.statusCode,
        rootStatus: root && integerOf(root, FolderHierarchy.Status),
        hasFolders: root !== undefined && has(root, FolderHierarchy.Changes),
      };
    },
  };
}

async function open(options: Parameters<typeof startEndpoint>[0] = {}) {
  const server = await startEndpoint(options);
  const phone = server.phone('14.1');
  await phone.provision();
  return { server, policyKey: phone.policyKey ?? 0 };
}

test('FolderSync: a request whose body is on its way while nothing changes is served', async () => {
  const { server, policyKey } = await open();
  const late = await begin(server, policyKey);
  expect(await late.end()).toEqual({ status: 200, rootStatus: 1, hasFolders: true });
});

test('FolderSync: a device that is blocked while its body is on its way is refused (129)', async () => {
  const { server, policyKey } = await open();
  const late = await begin(server, policyKey);
  await server.access.putOverride(server.alice.mailbox, device, { effect: 'DENY' });
  const refused = { status: 200, rootStatus: CommonStatus.DeviceIsBlockedForThisUser, hasFolders: false };
  expect(await late.end()).toEqual(refused);
});

test('FolderSync: a wipe that is asked for while the body is on its way is told (140)', async () => {
  const { server, policyKey } = await open();
  const late = await begin(server, policyKey);
  await server.devices.requestWipe(server.alice.mailbox, device, false);
  const refused = { status: 200, rootStatus: CommonStatus.RemoteWipeRequested, hasFolders: false };
  expect(await late.end()).toEqual(refused);
});

test('FolderSync: a policy that is put while the body is on its way is to be taken first (143)', async () => {
  const { server, policyKey } = await open();
  const late = await begin(server, policyKey);
  await server.policies.put(server.organization, 'organization', {
    settings: { DevicePasswordEnabled: true },
    allowNonProvisionableDevices: false,
  });
  const refused = { status: 200, rootStatus: CommonStatus.PolicyRefresh, hasFolders: false };
  expect(await late.end()).toEqual(refused);
});

test('FolderSync: who may not sign in any more when the body is there gets nothing (HTTP 401)', async () => {
  let isAllowed = true;
  const { server, policyKey } = await open({
    beforeSignIn: async () => {
      if (!isAllowed) throw new DomainError('sign-in/failed', 'Wrong user or password.');
    },
  });
  const late = await begin(server, policyKey);
  isAllowed = false;
  server.changeAccount(server.alice);
  expect(await late.end()).toEqual({ status: 401, rootStatus: undefined, hasFolders: false });
});
