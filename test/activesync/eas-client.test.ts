import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { type ProtocolVersion, protocolVersions } from '#protocols/activesync/protocol-version';
import { type RequestLine, readRequestLine } from '#protocols/activesync/request-line';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Move } from '#protocols/activesync/wbxml/code-pages/move';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { decode } from '#protocols/activesync/wbxml/decode';
import { bytesOf, child, type Element, el, has, textOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { makeAuthority, makeCertificate } from '#protocols/http/certificate-making';
import { EasClient } from '#test/support/eas-client';

/** One answer of the scripted server: a document, raw bytes with their type, or an HTTP status. */
type Answer = Element | { readonly type: string; readonly bytes: Uint8Array } | number | 'hang' | undefined;
type Script = (line: RequestLine, body: Buffer, root: Element | undefined) => Answer;

interface Scripted {
  readonly client: EasClient;
  readonly requests: { line: RequestLine; body: Buffer; contentType: string | undefined }[];
  readonly server: Server;
}

const running: Scripted[] = [];

afterEach(async () => {
  for (const { client, server } of running.splice(0)) {
    client.close();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});

const authority = makeAuthority(new Date());
const certificate = makeCertificate(authority, ['localhost'], new Date());

async function start(
  script: Script,
  options: { version?: ProtocolVersion; base64Query?: boolean } = {},
): Promise<Scripted> {
  const requests: Scripted['requests'] = [];
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const body = await buffer(incoming);
    if (incoming.method === 'OPTIONS') {
      outgoing
        .writeHead(200, { 'MS-ASProtocolVersions': '2.5,14.1', 'MS-ASProtocolCommands': 'Sync,Ping' })
        .end();
      return;
    }
    const line = readRequestLine(incoming.url ?? '', incoming.headers);
    requests.push({ line, body, contentType: incoming.headers['content-type'] });
    reply(outgoing, script(line, body, body[0] === 3 ? decode(body).root : undefined));
  };
  const server = createServer(certificate, (incoming, outgoing) => void answer(incoming, outgoing));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new EasClient({
    baseUrl: `https://127.0.0.1:${port}`,
    ca: authority.cert,
    user: 'alice@example.com',
    password: 'secret',
    ...options,
  });
  const scripted = { client, requests, server };
  running.push(scripted);
  return scripted;
}

function reply(outgoing: ServerResponse, answer: Answer): void {
  if (answer === 'hang') return;
  if (answer === undefined) outgoing.writeHead(200, { 'Content-Length': 0 }).end();
  else if (typeof answer === 'number') outgoing.writeHead(answer).end();
  else if ('bytes' in answer) outgoing.writeHead(200, { 'Content-Type': answer.type }).end(answer.bytes);
  else outgoing.writeHead(200, { 'Content-Type': 'application/vnd.ms-sync.wbxml' }).end(encode(answer));
}

const provisioning: Script = (line, _body, root) => {
  if (line.command === 'Settings') {
    return el(
      Settings.Settings,
      el(Settings.Status, 1),
      el(Settings.DeviceInformation, el(Settings.Status, 1)),
    );
  }
  const policy = child(root, Provision.Policies, Provision.Policy);
  const acknowledges = has(policy, Provision.PolicyKey);
  const document = line.protocolVersion === '2.5' ? '<wap-provisioningdoc/>' : el(Provision.EASProvisionDoc);
  return el(
    Provision.Provision,
    el(Provision.Status, 1),
    el(
      Provision.Policies,
      el(
        Provision.Policy,
        el(Provision.PolicyType, textOf(policy, Provision.PolicyType)),
        el(Provision.Status, 1),
        el(Provision.PolicyKey, acknowledges ? 4000000002 : 4000000001),
        acknowledges ? undefined : el(Provision.Data, document),
      ),
    ),
  );
};

function folderAdd(serverId: string, type: number): Element {
  return el(
    FolderHierarchy.Add,
    el(FolderHierarchy.ServerId, serverId),
    el(FolderHierarchy.ParentId, '0'),
    el(FolderHierarchy.DisplayName, `Folder ${serverId}`),
    el(FolderHierarchy.Type, type),
  );
}

function syncAnswer(key: string, ...rest: (Element | undefined)[]): Element {
  return el(
    AirSync.Sync,
    el(
      AirSync.Collections,
      el(
        AirSync.Collection,
        el(AirSync.SyncKey, key),
        el(AirSync.CollectionId, '5'),
        el(AirSync.Status, 1),
        ...rest,
      ),
    ),
  );
}

function mail(serverId: string, ...properties: Element[]): Element[] {
  return [el(AirSync.ServerId, serverId), el(AirSync.ApplicationData, ...properties)];
}

describe('the query of the client', () => {
  it.each(protocolVersions)('says the same in plain form and in base64, version %s', async (version) => {
    const query = { SaveInSent: 'T', CollectionId: '5', ItemId: '5:1' };
    const lines = [];
    for (const base64Query of [false, true]) {
      const { client, requests } = await start(() => undefined, { version, base64Query });
      client.policyKey = 4000000000;
      await client.post('SmartReply', Buffer.from('x'), { query, acceptMultiPart: true });
      lines.push({ ...requests[0]?.line, user: undefined, locale: undefined });
    }
    expect(lines[0]).toMatchObject({
      command: 'SmartReply',
      protocolVersion: version,
      policyKey: 4000000000,
    });
    expect(lines[0]).toMatchObject({
      saveInSent: true,
      acceptMultiPart: true,
      collectionId: '5',
      itemId: '5:1',
    });
    expect(lines[1]).toEqual(lines[0]);
  });

  it('leaves the policy key out when it has none', async () => {
    const { client, requests } = await start(() => undefined);
    client.policyKey = undefined;
    await client.post('Ping');
    expect(requests[0]?.line.policyKey).toBeUndefined();
  });
});

describe('the commands of the client', () => {
  it('OPTIONS lists versions and commands', async () => {
    const { client } = await start(() => undefined);
    const { status, versions, commands } = await client.options();
    expect([status, versions, commands]).toEqual([200, ['2.5', '14.1'], ['Sync', 'Ping']]);
  });

  it.each(protocolVersions)(
    'provisions in both phases and keeps the final key, version %s',
    async (version) => {
      const { client, requests } = await start(provisioning, { version });
      const { policy, wipe } = await client.provision();
      expect(wipe).toBeUndefined();
      expect(policy).toBeDefined();
      expect(client.policyKey).toBe(4000000002);
      const keys = requests
        .filter(({ line }) => line.command === 'Provision')
        .map(({ line }) => line.policyKey);
      expect(keys).toEqual([0, 4000000001]);
      const commands = requests.map(({ line }) => line.command);
      expect(commands.includes('Settings')).toBe(['12.0', '12.1', '14.0'].includes(version));
    },
  );

  it('hands a remote wipe to the test and acknowledges it', async () => {
    const { client, requests } = await start((_line, _body, root) =>
      has(root, Provision.RemoteWipe)
        ? el(Provision.Provision, el(Provision.Status, 1))
        : el(Provision.Provision, el(Provision.Status, 1), el(Provision.RemoteWipe)),
    );
    const { wipe } = await client.provision();
    expect(wipe?.tag).toBe(Provision.RemoteWipe);
    if (wipe !== undefined) expect((await client.acknowledgeWipe(wipe)).rootStatus).toBe(1);
    expect(requests.length).toBe(2);
  });

  it('keeps the folder hierarchy and its key', async () => {
    const keys: (string | undefined)[] = [];
    const { client } = await start((_line, _body, root) => {
      const key = textOf(root, FolderHierarchy.SyncKey);
      keys.push(key);
      const changes =
        key === '0'
          ? [el(FolderHierarchy.Count, 2), folderAdd('5', 2), folderAdd('6', 8)]
          : [el(FolderHierarchy.Count, 1), el(FolderHierarchy.Delete, el(FolderHierarchy.ServerId, '6'))];
      return el(
        FolderHierarchy.FolderSync,
        el(FolderHierarchy.Status, 1),
        el(FolderHierarchy.SyncKey, key === '0' ? '1' : '2'),
        el(FolderHierarchy.Changes, ...changes),
      );
    });
    expect(await client.folderSync()).toBe(1);
    expect([client.folder(2), client.folder(8), client.classOf('6')]).toEqual(['5', '6', 'Calendar']);
    expect(await client.folderSync()).toBe(1);
    expect([...client.folders.keys()]).toEqual(['5']);
    expect(keys).toEqual(['0', '1']);
    expect(() => client.folder(8)).toThrow('No folder of type 8');
  });

  it('syncs to the end, merges Changes, applies Deletes, and starts again after Status 3', async () => {
    let refusals = 1;
    const { client } = await start((_line, _body, root) => {
      const collection = child(root, AirSync.Collections, AirSync.Collection);
      switch (textOf(collection, AirSync.SyncKey)) {
        case '0':
          return syncAnswer('1');
        case '1': {
          const adds = ['a', 'b', 'c'].map((id) =>
            el(AirSync.Add, ...mail(id, el(Email.Subject, id), el(Email.Read, 0))),
          );
          return syncAnswer('2', el(AirSync.MoreAvailable), el(AirSync.Commands, ...adds));
        }
        case '2': {
          if (refusals-- > 0) return el(AirSync.Sync, el(AirSync.Status, 3));
          const commands = el(
            AirSync.Commands,
            el(AirSync.Change, ...mail('a', el(Email.Read, 1))),
            el(AirSync.Delete, el(AirSync.ServerId, 'b')),
            el(AirSync.SoftDelete, el(AirSync.ServerId, 'c')),
          );
          return syncAnswer('3', commands);
        }
        default:
          return undefined;
      }
    });
    const items = await client.syncAll('5', { windowSize: 3, body: { type: 1, truncationSize: 500 } });
    expect([...items.keys()]).toEqual(['a']);
    expect(textOf(items.get('a'), Email.Subject)).toBe('a');
    expect(textOf(items.get('a'), Email.Read)).toBe('1');
    expect((await client.sync('5')).status).toBe(1);
    expect(client.collection('5').syncKey).toBe('3');
    expect(client.collection('5').anomalies).toEqual([]);
  });

  it('notes what a server should not send: an Add of an item held, a Delete of one not held', async () => {
    const add = el(AirSync.Add, ...mail('a', el(Email.Subject, 'a')));
    const remove = el(AirSync.Delete, el(AirSync.ServerId, 'z'));
    const { client } = await start(() => syncAnswer('1', el(AirSync.Commands, add, remove, add)));
    await client.sync('5');
    expect(client.collection('5').anomalies).toEqual([
      'Delete of z, which is not held',
      'Add of a, which is held',
    ]);
  });

  it('takes over its own changes as far as the server takes them', async () => {
    const own = [
      el(AirSync.Add, el(AirSync.ClientId, 'c1'), el(AirSync.ApplicationData, el(Email.Subject, 'new'))),
      el(AirSync.Change, ...mail('x', el(Email.Read, 1))),
      el(AirSync.Delete, el(AirSync.ServerId, 'y')),
    ];
    const { client } = await start((_line, _body, root) => {
      if (textOf(root, AirSync.Collections, AirSync.Collection, AirSync.SyncKey) === '0') {
        const adds = ['x', 'y'].map((id) => el(AirSync.Add, ...mail(id, el(Email.Read, 0))));
        return syncAnswer('1', el(AirSync.Commands, ...adds));
      }
      const added = el(
        AirSync.Add,
        el(AirSync.ClientId, 'c1'),
        el(AirSync.ServerId, 'n'),
        el(AirSync.Status, 1),
      );
      const refused = el(AirSync.Change, el(AirSync.ServerId, 'x'), el(AirSync.Status, 7));
      return syncAnswer('2', el(AirSync.Responses, added, refused));
    });
    await client.sync('5');
    await client.sync('5', { commands: own });
    const { items } = client.collection('5');
    expect([...items.keys()]).toEqual(['x', 'n']);
    expect(textOf(items.get('x'), Email.Read)).toBe('0');
    expect(textOf(items.get('n'), Email.Subject)).toBe('new');
  });

  it('pings, with and without a body, and gives up when aborted', async () => {
    const { client, requests } = await start((_line, body) =>
      body.length > 0 ? el(Ping.Ping, el(Ping.Status, 2), el(Ping.Folders, el(Ping.Folder, '5'))) : 'hang',
    );
    expect(await client.ping(['5'], 60)).toMatchObject({ status: 2, folders: ['5'] });
    const abort = new AbortController();
    const hanging = client.ping(undefined, undefined, abort.signal);
    const refused = expect(hanging).rejects.toThrow(/abort/i);
    abort.abort();
    await refused;
    expect(requests.length).toBeLessThanOrEqual(2);
  });

  it.each(['2.5', '12.1', '14.1'] as const)(
    'asks for an estimate as version %s wants it',
    async (version) => {
      const { client } = await start(
        () => {
          const estimate = [el(GetItemEstimate.CollectionId, '5'), el(GetItemEstimate.Estimate, 7)];
          const collection = el(GetItemEstimate.Collection, ...estimate);
          const response = el(GetItemEstimate.Response, el(GetItemEstimate.Status, 1), collection);
          return el(GetItemEstimate.GetItemEstimate, response);
        },
        { version },
      );
      expect(await client.getItemEstimate('5', { syncKey: '1', filterType: 2 })).toEqual({
        status: 1,
        estimate: 7,
      });
    },
  );

  it('fetches in parts', async () => {
    const properties = el(ItemOperations.Properties, el(ItemOperations.Part, 1));
    const fetched = el(ItemOperations.Fetch, el(ItemOperations.Status, 1), properties);
    const document = encode(
      el(ItemOperations.ItemOperations, el(ItemOperations.Status, 1), el(ItemOperations.Response, fetched)),
    );
    const { client, requests } = await start(() => {
      const data = Buffer.from('file');
      const head = Buffer.alloc(20);
      [2, 20, document.length, 20 + document.length, data.length].forEach((value, index) => {
        head.writeUInt32LE(value, 4 * index);
      });
      return { type: 'application/vnd.ms-sync.multipart', bytes: Buffer.concat([head, document, data]) };
    });
    const { status, response } = await client.fetch(
      { fileReference: '5:1:2' },
      [el(ItemOperations.Range, '0-3')],
      true,
    );
    expect(status).toBe(1);
    expect(response.parts.map(String)).toEqual(['file']);
    expect(requests[0]?.line.acceptMultiPart).toBe(true);
    expect((await client.fetch({ collectionId: '5', serverId: 'a' })).properties?.tag).toBe(
      ItemOperations.Properties,
    );
  });

  it('moves items out of what it holds', async () => {
    const { client } = await start((line) =>
      line.command === 'Sync'
        ? syncAnswer(
            '1',
            el(
              AirSync.Commands,
              el(AirSync.Add, ...mail('a', el(Email.Read, 0))),
              el(AirSync.Add, ...mail('b', el(Email.Read, 0))),
            ),
          )
        : el(
            Move.MoveItems,
            el(Move.Response, el(Move.SrcMsgId, 'a'), el(Move.Status, 3), el(Move.DstMsgId, 'a2')),
            el(Move.Response, el(Move.SrcMsgId, 'b'), el(Move.Status, 1)),
          ),
    );
    await client.sync('5');
    const moves = ['a', 'b'].map((item) => ({ item, from: '5', to: '6' }));
    expect(await client.moveItems(...moves)).toEqual([
      { source: 'a', status: 3, destination: 'a2' },
      { source: 'b', status: 1, destination: undefined },
    ]);
    expect([...client.collection('5').items.keys()]).toEqual(['b']);
  });

  it.each(['12.1', '14.0'] as const)('sends mail as version %s wants it', async (version) => {
    const { client, requests } = await start(() => undefined, { version });
    expect((await client.sendMail('To: bob@example.com\r\n\r\nHi', { clientId: 'c' })).status).toBe(200);
    const [request] = requests;
    if (version === '12.1') {
      expect(request?.contentType).toBe('message/rfc822');
      expect(request?.line.saveInSent).toBe(true);
      expect(String(request?.body)).toMatch(/^To:/);
    } else {
      const root = decode(request?.body ?? Buffer.alloc(0)).root;
      expect(String(bytesOf(root, ComposeMail.Mime))).toMatch(/^To:/);
      expect(has(root, ComposeMail.SaveInSentItems)).toBe(true);
    }
  });
});

describe('the client refuses', () => {
  it('to send what the schemas forbid, unless it is meant', async () => {
    const { client } = await start(() => undefined);
    const wrong = el(Ping.Ping, el(Ping.Status, 1));
    await expect(client.post('Ping', wrong)).rejects.toThrow('Not a valid request of Ping');
    expect((await client.post('Ping', wrong, { validateRequest: false })).status).toBe(200);
  });

  it('an answer that the schemas forbid, one with unknown tags, and HTTP errors of its commands', async () => {
    const answers: Answer[] = [
      el(Ping.Ping, el(Ping.Folders)),
      { type: 'application/vnd.ms-sync.wbxml', bytes: Buffer.from('03016a00000d7d01', 'hex') },
      449,
    ];
    const { client } = await start(() => answers.shift());
    await expect(client.ping()).rejects.toThrow('Not a valid response of Ping');
    await expect(client.ping()).rejects.toThrow();
    await expect(client.ping()).rejects.toThrow('Ping was answered HTTP 449');
  });
});
