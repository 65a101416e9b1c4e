import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { commands } from '#protocols/activesync/commands/index';
import { isAtLeast, protocolVersions } from '#protocols/activesync/protocol-version';
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { Find } from '#protocols/activesync/wbxml/code-pages/find';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { tagAt } from '#protocols/activesync/wbxml/code-pages/index';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { decode } from '#protocols/activesync/wbxml/decode';
import { type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { EasClient } from '#test/support/eas-client';
import { forms } from '#test/support/eas-versions';
import { fixedClock } from '#test/support/temp-store';
import { maxMessageBytes, password, startEndpoint } from './server.ts';

const versions = protocolVersions;
const folderSync = (key: string) => el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, key));

test('OPTIONS lists the versions and the commands that work, without blanks', async () => {
  const server = await startEndpoint();
  const { status, versions: listed, commands, headers, body } = await server.phone('14.1').options();
  expect(status).toBe(200);
  expect(listed).toEqual(['2.5', '12.0', '12.1', '14.0', '14.1', '16.0', '16.1']);
  expect(commands).toEqual(expect.arrayContaining(['Sync', 'FolderSync', 'Ping', 'Provision', 'SendMail']));
  expect(headers).toMatchObject({
    'cache-control': 'private',
    'content-length': '0',
    public: 'OPTIONS,POST',
  });
  expect(body.length).toBe(0);
});

test('without credentials, or with wrong ones, everything is answered 401 that asks for Basic', async () => {
  const server = await startEndpoint();
  for (const given of [
    { user: server.alice.address, password: 'wrong' },
    { user: 'nobody@example.test', password },
  ]) {
    const phone = new EasClient({
      baseUrl: server.baseUrl,
      ...given,
      ...(server.ca ? { ca: server.ca } : {}),
    });
    for (const response of [await phone.options(), await phone.post('FolderSync', folderSync('0'))]) {
      expect(response.status).toBe(401);
      expect(response.headers['www-authenticate']).toMatch(/^Basic realm="/);
    }
    phone.close();
  }
});

test.each(versions)('%s: a body that is no WBXML, or broken, is refused by the version', async (version) => {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  const broken = await phone.post(
    'FolderSync',
    Buffer.from([0x03, 0x01, 0x6a, 0x00, 0x00, 0x07, 0x56, 0x52]),
  );
  const wrongType = await phone.post('FolderSync', Buffer.from('hello'), {
    headers: { 'Content-Type': 'text/plain' },
  });
  const otherRoot = await phone.post('FolderSync', el(Settings.Settings), { validateRequest: false });
  const legacy = !isAtLeast(version, '14.0');
  expect([broken, wrongType, otherRoot].map((r) => (legacy ? r.status : r.rootStatus))).toEqual(
    legacy ? [400, 400, 400] : [102, 101, 103],
  );
});

test.each(versions)('%s: a command that is not served answers 137 or 501', async (version) => {
  const server = await startEndpoint();
  // The tags of Find are not in the versions before it.
  const phone = server.phone(version, { validate: false });
  await phone.provision();
  if (version !== '16.1') {
    const known = await phone.post('Find', el(Find.Find), { validateRequest: false });
    const isOld = !isAtLeast(version, '14.0');
    expect(isOld ? known.status : known.rootStatus).toBe(isOld ? 501 : 137);
  }
  const unknown = await phone.post('NoSuchCommand');
  expect(unknown.status).toBe(501);
});

test('an own property of every object is no command', async () => {
  const server = await startEndpoint();
  expect((await server.phone('14.1').post('constructor')).status).toBe(501);
});

test('a DeviceId that is missing or malformed is refused', async () => {
  const server = await startEndpoint();
  const bad = await server.phone('14.1', { deviceId: 'a,b' }).post('FolderSync', folderSync('0'));
  expect(bad.rootStatus).toBe(108);
  const legacy = await server.phone('12.1', { deviceId: 'a,b' }).post('FolderSync', folderSync('0'));
  expect(legacy.status).toBe(400);
});

describe.each(forms)('%s', (version) => {
  test('a body over the limit is refused with 413', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const body = Buffer.alloc((maxMessageBytes * 4) / 3 + 1024 * 1024 + 100);
    expect((await phone.post('FolderSync', body)).status).toBe(413);
  });

  test('an answer is compressed when that is asked for and pays', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    await server.addFolders(40);
    const ask = async (headers: Record<string, string>) => {
      const answered = request(
        `${server.baseUrl}/microsoft-server-activesync/?Cmd=FolderSync&DeviceId=testdevice0001&DeviceType=TestPhone`,
        {
          method: 'POST',
          ca: server.ca,
          auth: `${server.alice.address}:${password}`,
          headers: { 'MS-ASProtocolVersion': version, 'X-MS-PolicyKey': String(phone.policyKey), ...headers },
        },
      ).end(encode(folderSync('0')));
      const [response] = (await once(answered, 'response')) as [IncomingMessage];
      return { headers: response.headers, body: await buffer(response) };
    };
    const plain = await ask({ 'Accept-Encoding': 'br, gzip;q=0' });
    const packed = await ask({ 'Accept-Encoding': 'gzip, deflate' });
    expect([plain.headers['content-encoding'], packed.headers['content-encoding']]).toEqual([
      undefined,
      'gzip',
    ]);
    expect(Number(packed.headers['content-length'])).toBe(packed.body.length);
    const { root } = decode(gunzipSync(packed.body));
    expect(textOf(root, FolderHierarchy.Changes, FolderHierarchy.Count)).toBe(
      isAtLeast(version, '14.0') ? '51' : '50',
    );
  });

  test('FolderSync 0 tells the device again what the server speaks, other answers do not', async () => {
    const server = await startEndpoint();
    const phone = server.phone(version);
    await phone.provision();
    const first = await phone.post('FolderSync', folderSync('0'));
    expect(first.headers['x-ms-rp']).toBe('2.5,12.0,12.1,14.0,14.1,16.0,16.1');
    expect(first.headers['ms-asprotocolcommands']).toContain('FolderSync');
    const key = textOf(first.element, FolderHierarchy.SyncKey) ?? '';
    expect((await phone.post('FolderSync', folderSync(key))).headers['x-ms-rp']).toBeUndefined();
  });
});

test('the base64 query works as the plain one', async () => {
  const server = await startEndpoint();
  const phone = new EasClient({
    baseUrl: server.baseUrl,
    ...(server.ca ? { ca: server.ca } : {}),
    user: server.alice.address,
    password,
    version: '14.1',
    base64Query: true,
  });
  await phone.provision();
  expect(await phone.folderSync()).toBe(1);
  phone.close();
});

test('a device record is made at the first command and not rewritten by each request', async () => {
  const clock = fixedClock(Date.UTC(2026, 10, 22));
  const server = await startEndpoint({ clock });
  const phone = server.phone('14.1');
  await phone.post('FolderSync', folderSync('0'));
  const id = 'testdevice0001' as DeviceId;
  const first = await server.devices.get(server.alice.mailbox, id);
  expect(first).toMatchObject({ type: 'TestPhone', firstSyncMs: clock.now(), lastSyncMs: clock.now() });
  const seq = () => server.database.mail.mailbox(server.alice.mailbox).lastSeq();
  const before = await seq();
  clock.move(60_000);
  await phone.post('FolderSync', folderSync('0'));
  expect((await server.devices.get(server.alice.mailbox, id)).lastSyncMs).toBe(first.lastSyncMs);
  clock.move(300_000);
  await phone.post('FolderSync', folderSync('0'));
  expect((await server.devices.get(server.alice.mailbox, id)).lastSyncMs).toBe(clock.now());
  expect(await seq()).toBe(before);
});

test('a client that is throttled is told when to come back, a disabled user that it may not', async () => {
  const server = await startEndpoint();
  const throttled = await server.phone('14.1', { user: 'throttled@example.test' }).options();
  expect([throttled.status, throttled.headers['retry-after']]).toEqual([429, '900']);
  expect((await server.phone('14.1', { user: 'disabled@example.test' }).options()).status).toBe(403);
});

test.each(versions)('%s: what we did not foresee is answered as temporary', async (version) => {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  const answer = await phone.sendMail('To: fault@example.test\r\n\r\n');
  if (!isAtLeast(version, '14.0'))
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '60']);
  else expect(answer.rootStatus).toBe(111);
});

test.each(versions)('%s: no document makes a fault of ours, whatever stands in it', async (version) => {
  const server = await startEndpoint({ quickHeartbeat: true });
  // What repeats the nonsense asked for fits no schema.
  const phone = server.phone(version, { validate: false });
  await phone.provision();
  const random = seeded(20261122);
  const served = Object.values(commands).filter(({ since }) => isAtLeast(version, since ?? '2.5'));
  for (const { name } of served) {
    for (let n = 0; n < 25; n++) {
      if (name === 'GetAttachment') continue;
      const root = rootOf(name);
      if (root === undefined) break;
      const body = el(root, ...Array.from({ length: random(4) }, () => nonsense(random, root.page, 3)));
      const { status, rootStatus } = await phone.post(name, body, { validateRequest: false });
      expect([200, 400, 449, 500, 501]).toContain(status);
      expect(rootStatus).not.toBe(111);
      // A wrong recipient is 500 below 14.0.
      if (name !== 'SendMail') expect(status).not.toBe(500);
    }
  }
});

/** Whole numbers below a bound, the same in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The tag that a command's document begins with. */
function rootOf(name: string): Tag | undefined {
  for (let page = 0; page <= 25; page++) {
    for (let token = 5; token < 64; token++) {
      const tag = tagAt(page, token);
      if (tag?.name === name && (page !== 0 || name === 'Sync')) return tag;
    }
  }
  return undefined;
}

const texts = [
  '',
  '0',
  '1',
  '-1',
  '999999999999',
  'Mailbox',
  '1:2',
  '1:2:1',
  'x.1',
  'T\u0000x',
  '2026-13-45',
  '\u{1f600}',
];

/** An element that stands nowhere in particular, mostly of the command's own page. */
function nonsense(random: (below: number) => number, page: number, depth: number): Element {
  const pages = [page, page, 0, 17, 18];
  let tag: Tag | undefined;
  while (tag === undefined) tag = tagAt(pages[random(pages.length)] ?? page, 5 + random(40));
  if (depth > 0 && random(2) === 0) {
    return el(tag, ...Array.from({ length: random(4) }, () => nonsense(random, page, depth - 1)));
  }
  return random(6) === 0 ? el(tag, Buffer.from([0, 255, 128])) : el(tag, texts[random(texts.length)] ?? '');
}
