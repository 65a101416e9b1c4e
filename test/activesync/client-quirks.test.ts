/** What clients were seen to do and no other file has; the README lists all of it. */
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { Provisioning } from '#domain/provisioning';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { el } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { forms } from '#test/support/eas-versions';
import { smartMail } from '#test/support/smart-mail';
import { fixedClock } from '#test/support/temp-store';
import { password, startEndpoint } from './server.ts';

const device = 'testdevice0001' as DeviceId;

async function start(version: (typeof forms)[number]) {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  return { server, phone };
}

describe.each(forms)('%s', (version) => {
  test('SendMail: Android: recipients apart by blanks get it, all of them', async () => {
    const { server, phone } = await start(version);
    const mime = `To: ${server.bob.address} ${server.alice.address}\r\nSubject: Hi\r\n\r\nx\r\n`;
    expect((await phone.sendMail(mime)).body).toHaveLength(0);
    expect(await server.messages(server.bob, 2)).toHaveLength(1);
    expect(await server.messages(server.alice, 2)).toHaveLength(1);
  });

  test('SmartForward: an id that was escaped twice names its message', async () => {
    const { server, phone } = await start(version);
    const itemId = await server.receive('From: eva@example.org\r\nSubject: A\r\n\r\nText\r\n');
    const escaped = encodeURIComponent(itemId);
    expect(escaped).not.toBe(itemId);
    const mime = `To: ${server.bob.address}\r\nSubject: B\r\n\r\nMine\r\n`;
    const answer = await smartMail(phone, 'SmartForward', { mime, itemId: escaped });
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    expect(await server.messages(server.bob, 2)).toHaveLength(1);
  });

  test('HTTP: a request of HTTP/1.0, with names of headers in lower case, has an answer that says its length', async () => {
    const { server, phone } = await start(version);
    const body = encode(el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0')));
    const query = `Cmd=FolderSync&DeviceId=${phone.deviceId}&DeviceType=${phone.deviceType}`;
    const head = [
      `POST /Microsoft-Server-ActiveSync?${query} HTTP/1.0`,
      `authorization: Basic ${Buffer.from(`${server.alice.address}:${password}`).toString('base64')}`,
      `ms-asprotocolversion: ${version}`,
      `x-ms-policykey: ${phone.policyKey}`,
      'content-type: application/vnd.ms-sync.wbxml',
      `content-length: ${body.length}`,
      '\r\n',
    ].join('\r\n');
    const { hostname, port } = new URL(server.baseUrl);
    const socket = connect({
      host: hostname,
      port: Number(port),
      ca: server.ca,
      checkServerIdentity: () => undefined,
    });
    await once(socket, 'secureConnect');
    socket.write(Buffer.concat([Buffer.from(head), body]));
    const raw = await buffer(socket);
    const cut = raw.indexOf('\r\n\r\n');
    const said = raw.subarray(0, cut).toString();
    expect(said).toMatch(/^HTTP\/1\.[01] 200 /);
    expect(said).not.toMatch(/^transfer-encoding:/im);
    expect(said).toMatch(new RegExp(`^content-length: ${raw.length - cut - 4}$`, 'im'));
  });

  test('HTTP: another User-Agent, as after an update, is the same device', async () => {
    const { server, phone } = await start(version);
    const body = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));
    const answer = await phone.post('FolderSync', body, { headers: { 'User-Agent': 'Phone/2.0' } });
    expect([answer.status, answer.rootStatus]).toEqual([200, 1]);
    expect(await server.devices.list(server.alice.mailbox)).toHaveLength(1);
  });
});

test('Provision: iOS: no PolicyKey is 0, whatever chance has to say', async () => {
  const { server } = await start('14.1');
  const given = [0, 0, 7, 0, 9];
  const random = { bytes: () => Buffer.from([0, 0, 0, given.shift() ?? 1]) };
  const provisioning = new Provisioning(server.devices, fixedClock(0), random);
  const policy = await server.policies.effective(server.alice.mailbox);
  expect(await provisioning.offer(server.alice.mailbox, device, policy)).toBe(7);
  expect(await provisioning.acknowledge(server.alice.mailbox, device, policy, 7, 1)).toMatchObject({
    policyKey: 9,
  });
});
