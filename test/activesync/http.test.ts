/** HTTP as every command has it (MS-ASHTTP): paths, methods, queries, headers of requests and answers, encodings. */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { DeviceId } from '#domain/ids';
import { isAtLeast, protocolVersions } from '#protocols/activesync/protocol-version';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { decode } from '#protocols/activesync/wbxml/decode';
import { type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { forms } from '#test/support/eas-versions';
import { tellSpoken } from '#test/support/spoken-channel';
import { password, startEndpoint, type TestServer } from './server.ts';

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly element: Element | undefined;
}

const path = '/Microsoft-Server-ActiveSync';
const folderSync = encode(el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0')));
const statusOf = ({ element }: Answer) => textOf(element, FolderHierarchy.Status);

/** A request with exactly this target, and these headers beside credentials. */
async function send(
  server: TestServer,
  target: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array = folderSync,
  method = 'POST',
): Promise<Answer> {
  const version = headers['MS-ASProtocolVersion'];
  if (version !== undefined) tellSpoken('FolderSync', version);
  const outgoing = request(`${server.baseUrl}${target}`, {
    method,
    ca: server.ca,
    checkServerIdentity: () => undefined,
    auth: `${server.alice.address}:${password}`,
    headers,
  }).end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const bytes = await buffer(response);
  const isDocument = response.headers['content-type'] === 'application/vnd.ms-sync.wbxml';
  const element = isDocument ? decode(bytes).root : undefined;
  return { status: response.statusCode, headers: response.headers, element };
}

/** A device that is provisioned: the query and the headers of its requests. */
async function start(version: (typeof protocolVersions)[number] = '14.1') {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  const query = `Cmd=FolderSync&DeviceId=${phone.deviceId}&DeviceType=${phone.deviceType}`;
  const headers = { 'MS-ASProtocolVersion': version, 'X-MS-PolicyKey': String(phone.policyKey) };
  return { server, phone, query, headers };
}

describe.each(protocolVersions)('%s', (version) => {
  const isOld = !isAtLeast(version, '14.0');
  const refusal = (answer: Answer) => [answer.status, statusOf(answer)];

  test('HTTP: a DeviceId that is missing or malformed is 108, a DeviceType 109; below 14.0 both are HTTP 400', async () => {
    const { server, headers } = await start(version);
    for (const [query, status] of [
      ['DeviceType=t', '108'],
      ['DeviceId=&DeviceType=t', '108'],
      ['DeviceId=a,b&DeviceType=t', '108'],
      [`DeviceId=${'a'.repeat(65)}&DeviceType=t`, '108'],
      ['DeviceId=a', '109'],
      ['DeviceId=a&DeviceType=', '109'],
      [`DeviceId=a&DeviceType=${'t'.repeat(65)}`, '109'],
      ['DeviceId=a&DeviceType=%C3%BC', '109'],
    ] as const) {
      const answer = await send(server, `${path}?Cmd=FolderSync&${query}`, headers);
      expect(refusal(answer), query).toEqual(isOld ? [400, undefined] : [200, status]);
    }
  });

  test('HTTP: a document is of type application/vnd.ms-sync.wbxml, says its length, and is kept by no cache', async () => {
    const { server, query, headers } = await start(version);
    const answer = await send(server, `${path}?${query}`, headers);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/vnd.ms-sync.wbxml',
      'content-length': expect.stringMatching(/^\d+$/),
      'cache-control': 'private',
      'ms-server-activesync': '16.1',
    });
    expect(answer.headers['transfer-encoding']).toBeUndefined();
    expect(statusOf(answer)).toBe('1');
  });

  test('HTTP: a request may be of type application/vnd.ms-sync, of none or of another, if it is WBXML', async () => {
    const { server, query, headers } = await start(version);
    for (const type of ['application/vnd.ms-sync.wbxml', 'application/vnd.ms-sync', '', 'text/plain']) {
      const typed = type === '' ? headers : { ...headers, 'Content-Type': type };
      expect(statusOf(await send(server, `${path}?${query}`, typed)), type).toBe('1');
    }
    const typed = { ...headers, 'Content-Type': 'text/plain' };
    const refused = await send(server, `${path}?${query}`, typed, Buffer.from('<FolderSync/>'));
    expect(refusal(refused)).toEqual(isOld ? [400, undefined] : [200, '101']);
  });

  test('HTTP: an element that no code page has is passed over with what it holds', async () => {
    const { server, query, headers } = await start(version);
    // FolderSync { 0x3f { "x" } SyncKey "0" }, all of page 7.
    const body = Buffer.from([3, 1, 0x6a, 0, 0, 7, 0x56, 0x7f, 3, 0x78, 0, 1, 0x52, 3, 0x30, 0, 1, 1]);
    expect(statusOf(await send(server, `${path}?${query}`, headers, body))).toBe('1');
  });
});

test('HTTP: the path is taken in any case, with a slash and as default.eas; another one is 404', async () => {
  const { server, query, headers } = await start();
  for (const one of [path, path.toLowerCase(), path.toUpperCase(), `${path}/`, `${path}/default.eas`]) {
    expect(statusOf(await send(server, `${one}?${query}`, headers)), one).toBe('1');
  }
  expect((await send(server, `${path}/other?${query}`, headers)).status).toBe(404);
});

test('HTTP: another method than POST and OPTIONS is 405, which says these two', async () => {
  const { server, query, headers } = await start();
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const answer = await send(server, `${path}?${query}`, headers, Buffer.alloc(0), method);
    expect([answer.status, answer.headers.allow]).toEqual([405, 'OPTIONS, POST']);
  }
});

describe.each(forms)('%s', (version) => {
  test('HTTP: names of the query are taken in any case and order, and User says nothing about who asks', async () => {
    const { server, phone, headers } = await start(version);
    const query = `devicetype=t&USER=bob%40example.test&deviceid=${phone.deviceId}&cmd=foldersync`;
    expect(statusOf(await send(server, `${path}?${query}`, headers))).toBe('1');
    const { mailbox } = server.alice;
    expect((await server.devices.get(mailbox, phone.deviceId.toLowerCase() as DeviceId)).type).toBe('t');
  });

  test('HTTP: a query without Cmd, and one in base64 that is cut short, are refused with HTTP 400', async () => {
    const { server, headers } = await start(version);
    for (const query of [
      '',
      '?',
      '?DeviceId=a&DeviceType=t',
      '?Cmd=&DeviceId=a&DeviceType=t',
      '?jAAJ',
      '?%',
    ]) {
      expect((await send(server, `${path}${query}`, headers)).status, query).toBe(400);
    }
  });
});

test('HTTP: a query in base64 has the version and the policy key, and wins over headers that say otherwise', async () => {
  const { server, phone } = await start();
  const block = (bytes: Buffer) => Buffer.concat([Buffer.of(bytes.length), bytes]);
  const key = Buffer.alloc(4);
  key.writeUInt32LE(phone.policyKey ?? 0);
  const query = (policyKey: Buffer, version = 141) =>
    Buffer.concat([
      Buffer.of(version, 9, 0x09, 0x04),
      block(Buffer.from(phone.deviceId)),
      block(policyKey),
      block(Buffer.from(phone.deviceType)),
    ]).toString('base64');
  const other = { 'MS-ASProtocolVersion': '12.1', 'X-MS-PolicyKey': '1' };
  expect(statusOf(await send(server, `${path}?${query(key)}`, other))).toBe('1');
  const wrong = Buffer.from([1, 0, 0, 0]);
  expect(statusOf(await send(server, `${path}?${query(wrong)}`, other))).toBe('144');
  expect((await send(server, `${path}?${query(wrong, 121)}`, other)).status).toBe(449);
  for (const unknown of [25, 120, 122, 162]) {
    expect((await send(server, `${path}?${query(key, unknown)}`, {})).status, String(unknown)).toBe(400);
  }
});

describe.each(forms)('%s', (version) => {
  test('HTTP: a body in gzip is taken, one in another encoding is 415, one that does not inflate 400', async () => {
    const { server, query, headers } = await start(version);
    const encoded = (encoding: string) => ({ ...headers, 'Content-Encoding': encoding });
    const target = `${path}?${query}`;
    expect(statusOf(await send(server, target, encoded('gzip'), gzipSync(folderSync)))).toBe('1');
    expect((await send(server, target, encoded('br'), gzipSync(folderSync))).status).toBe(415);
    expect((await send(server, target, encoded('gzip'))).status).toBe(400);
  });
});

test('HTTP: an answer without a document has no type and the length 0', async () => {
  const { phone } = await start();
  await phone.folderSync();
  const inbox = phone.folder(2);
  await phone.syncAll(inbox);
  const { headers, status, body } = (await phone.sync(inbox)).response;
  expect([status, body.length, headers['content-length'], headers['content-type']]).toEqual([
    200,
    0,
    '0',
    undefined,
  ]);
});
