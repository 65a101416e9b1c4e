/** A lean phone for load: one kept-open TLS connection, and answers that are timed before they are decoded. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { decode } from '#protocols/activesync/wbxml/decode';
import { child, childrenOf, type Element, el, has, textOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import type { User } from './site.ts';

const path = '/Microsoft-Server-ActiveSync';
const version = '14.1';

/** Where a phone is, and whose. */
interface PhoneOptions {
  readonly baseUrl: string;
  readonly ca: string;
  readonly user: User;
  readonly deviceId: string;
}

/** An answer, and how long it took from the first byte sent to the last one received. */
interface Timed {
  readonly body: Buffer;
  readonly ms: number;
}

/** What a Sync brought. */
interface SyncAnswer {
  readonly ms: number;
  readonly bytes: number;
  readonly items: number;
  /** ServerIds of what was added. */
  readonly added: readonly string[];
  readonly more: boolean;
}

export class Phone {
  readonly #options: PhoneOptions;
  readonly #agent: Agent;
  #policyKey = '0';
  #syncKey = '0';

  constructor(options: PhoneOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ca: options.ca });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Provision and FolderSync; gives the CollectionId of the Inbox. */
  async setUp(): Promise<string> {
    const type = el(Provision.PolicyType, 'MS-EAS-Provisioning-WBXML');
    const offered = await this.#command('Provision', provision(type));
    const status = el(Provision.Status, 1);
    this.#policyKey = policyKeyIn(offered);
    const key = el(Provision.PolicyKey, this.#policyKey);
    this.#policyKey = policyKeyIn(await this.#command('Provision', provision(type, key, status)));
    const folders = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, '0'));
    const tree = await this.#command('FolderSync', folders);
    const inbox = childrenOf(child(tree, FolderHierarchy.Changes), FolderHierarchy.Add).find(
      (folder) => textOf(folder, FolderHierarchy.Type) === '2',
    );
    return textOf(inbox, FolderHierarchy.ServerId) ?? '';
  }

  /** The last key of a Sync. */
  get syncKey(): string {
    return this.#syncKey;
  }

  /** Starts a folder over (key 0), with the options of a phone: HTML and plain text, cut at 32 KB. */
  async prime(collectionId: string, filterType = 0): Promise<void> {
    this.#syncKey = '0';
    const preference = (kind: number) =>
      el(AirSyncBase.BodyPreference, el(AirSyncBase.Type, kind), el(AirSyncBase.TruncationSize, 32_768));
    const options = el(AirSync.Options, el(AirSync.FilterType, filterType), preference(1), preference(2));
    this.#take(await this.#post('Sync', this.#syncOf(collectionId, 512, options)));
  }

  /** One Sync with the last key. */
  async sync(collectionId: string, windowSize: number): Promise<SyncAnswer> {
    return this.#take(await this.#post('Sync', this.#syncOf(collectionId, windowSize)));
  }

  /** A Sync without a body, which repeats the last one. */
  async syncEmpty(): Promise<SyncAnswer> {
    return this.#take(await this.#post('Sync', new Uint8Array(0)));
  }

  /** Ping of one folder; gives its Status. */
  async ping(collectionId: string): Promise<string | undefined> {
    return textOf(await this.#command('Ping', pingOf(collectionId)), Ping.Status);
  }

  /** The bytes of a Ping, for a connection that does nothing else. */
  pingBytes(collectionId: string): Buffer {
    const body = encode(pingOf(collectionId));
    const headers = Object.entries(this.#headers(body)).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `POST ${this.#target('Ping')} HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers.join('')}\r\n`;
    return Buffer.concat([Buffer.from(head), body]);
  }

  #syncOf(collectionId: string, windowSize: number, options?: Element): Uint8Array {
    const collection = el(
      AirSync.Collection,
      el(AirSync.SyncKey, this.#syncKey),
      el(AirSync.CollectionId, collectionId),
      el(AirSync.WindowSize, windowSize),
      options,
    );
    return encode(el(AirSync.Sync, el(AirSync.Collections, collection)));
  }

  #take({ body, ms }: Timed): SyncAnswer {
    if (body.length === 0) return { ms, bytes: 0, items: 0, added: [], more: false };
    const { root } = decode(body);
    const collection = child(root, AirSync.Collections, AirSync.Collection);
    const status = textOf(collection, AirSync.Status) ?? textOf(root, AirSync.Status);
    if (status !== '1') throw new Error(`Sync was answered Status ${status}`);
    this.#syncKey = textOf(collection, AirSync.SyncKey) ?? '';
    const adds = childrenOf(child(collection, AirSync.Commands), AirSync.Add);
    const added = adds.map((add) => textOf(add, AirSync.ServerId) ?? '');
    return {
      ms,
      bytes: body.length,
      items: adds.length,
      added,
      more: has(collection, AirSync.MoreAvailable),
    };
  }

  /** Any other command: its answer, and how long that took. */
  async timed(name: string, document: Element): Promise<{ readonly ms: number; readonly root: Element }> {
    const { body, ms } = await this.#post(name, encode(document));
    return { ms, root: decode(body).root };
  }

  async #command(name: string, document: Element): Promise<Element> {
    return (await this.timed(name, document)).root;
  }

  async #post(command: string, body: Uint8Array): Promise<Timed> {
    const url = new URL(this.#target(command), this.#options.baseUrl);
    const start = performance.now();
    const sent = request(url, { method: 'POST', agent: this.#agent, headers: this.#headers(body) });
    sent.end(body);
    const [answer]: IncomingMessage[] = await once(sent, 'response');
    if (answer === undefined) throw new Error('no answer');
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(answer, 'end');
    const ms = performance.now() - start;
    if (answer.statusCode !== 200) throw new Error(`${command} was answered HTTP ${answer.statusCode}`);
    return { body: Buffer.concat(chunks), ms };
  }

  #target(command: string): string {
    const { user, deviceId } = this.#options;
    const query = { Cmd: command, User: user.address, DeviceId: deviceId, DeviceType: 'BenchPhone' };
    return `${path}?${new URLSearchParams(query)}`;
  }

  #headers(body: Uint8Array): Record<string, string> {
    const { address, password } = this.#options.user;
    return {
      Authorization: `Basic ${Buffer.from(`${address}:${password}`).toString('base64')}`,
      'User-Agent': 'BenchPhone/1.0',
      'MS-ASProtocolVersion': version,
      'X-MS-PolicyKey': this.#policyKey,
      'Content-Length': String(body.length),
      ...(body.length === 0 ? {} : { 'Content-Type': 'application/vnd.ms-sync.wbxml' }),
    };
  }
}

function provision(...policy: readonly Element[]): Element {
  return el(Provision.Provision, el(Provision.Policies, el(Provision.Policy, ...policy)));
}

function policyKeyIn(answer: Element): string {
  return textOf(answer, Provision.Policies, Provision.Policy, Provision.PolicyKey) ?? '';
}

function pingOf(collectionId: string): Element {
  const folder = el(Ping.Folder, el(Ping.Id, collectionId), el(Ping.Class, 'Email'));
  return el(Ping.Ping, el(Ping.HeartbeatInterval, 3540), el(Ping.Folders, folder));
}
