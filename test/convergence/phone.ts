/** A simulated device: what it holds, what it sends again when no answer came, and what it complains of. */
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { child, type Element, el, integerOf, textOf } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { EasClient } from '#test/support/eas-client';
import type { EasResponse } from '#test/support/eas-connection';
import { assertValid } from '#test/support/eas-schema';
import { type Judge, PhoneCollection } from './collection.ts';
import type { Home } from './home.ts';
import type { ModelMailbox } from './model.ts';

/** A request, and what comes of it; it can be sent again, byte for byte. */
export interface Call {
  readonly command: string;
  readonly bytes: Uint8Array | undefined;
  readonly query?: Readonly<Record<string, string>> | undefined;
  /** What `bytes` were made of, if it is to be valid. */
  readonly element?: Element | undefined;
  /** For the history. */
  readonly what: string;
  readonly told: (response: EasResponse) => string;
  /** What it did to the mailbox; undefined: there is no answer, and nobody knows. */
  readonly learn: (response: EasResponse | undefined) => void;
  /** The phone goes on from the answer. */
  readonly take: (response: EasResponse) => void;
  /** Messages that it may move away or delete. */
  readonly concerns: readonly { readonly folder: string; readonly id: string }[];
  /** Collections whose keys are in it. */
  readonly folders: readonly string[];
  /** It is about to be sent, perhaps once more. */
  readonly begin?: () => void;
  /** It is answered when there is something to say, or its time is over. */
  readonly isWaiting?: boolean;
}

/** A folder as the phone knows it. */
interface PhoneFolder {
  readonly parent: string;
  readonly name: string;
  readonly type: number;
}

/** The last Sync that an empty one repeats. */
interface CachedSync {
  readonly collections: readonly { readonly folder: string; readonly windowSize: number | undefined }[];
  readonly isWaiting: boolean;
  readonly windowSize: number | undefined;
}

/** What a phone needs of the seed it belongs to. */
export interface Surroundings {
  readonly home: Home;
  readonly model: ModelMailbox;
  readonly validates: boolean;
  /** A line of the history. */
  note(text: string): void;
  complain(fault: string): void;
  /** Whether a folder is there. */
  hasFolder(id: string): boolean;
  /** A subject that no other message has. */
  nextSubject(kind: string): string;
}

/** Nothing takes so long but what never ends: everything that waits is woken. */
const watchMs = 60_000;

/** MS-ASCMD, Type (FolderSync): Inbox, Deleted Items, Sent Items, and those of users. */
const mailTypes: readonly number[] = [2, 4, 5, 12];
/** From 16.0 on. */
const draftsType = 3;

export class Phone implements Judge {
  readonly id: string;
  readonly version: ProtocolVersion;
  readonly model: ModelMailbox;
  readonly folders = new Map<string, PhoneFolder>();
  folderKey = '0';
  /** The last request, if it was not answered. */
  unanswered: Call | undefined;
  /** The last Sync that was sent, whether it was answered or not. */
  lastSync: Call | undefined;
  /** The last command on the folder tree. */
  lastFolderCall: Call | undefined;
  /** Undefined: nobody knows whether there is one. */
  cached: CachedSync | 'nothing' | undefined;
  /** Another answer to its key of the hierarchy was made than the one it went on from. */
  isForked = false;
  readonly #around: Surroundings;
  readonly #collections = new Map<string, PhoneCollection>();
  #client: EasClient | undefined;
  #policyKey = 0;
  #lost = 0;

  constructor(id: string, version: ProtocolVersion, around: Surroundings) {
    this.id = id;
    this.version = version;
    this.model = around.model;
    this.#around = around;
  }

  get correspondent(): string {
    return this.#around.home.correspondent;
  }

  nextSubject(kind: string): string {
    return this.#around.nextSubject(kind);
  }

  nowMs(): number {
    return this.#around.home.inside?.clock.now() ?? Date.now();
  }

  complain(fault: string): void {
    this.#around.complain(`${this.id} (${this.version}): ${fault}`);
  }

  note(text: string): void {
    this.#around.note(`${this.id} ${text}`);
  }

  /** The state of a folder, made at the first call. */
  collection(id: string): PhoneCollection {
    const known = this.#collections.get(id);
    if (known !== undefined) return known;
    const made = new PhoneCollection(id);
    this.#collections.set(id, made);
    return made;
  }

  /** The folders that it synchronises: those with mail. */
  get mailFolders(): readonly string[] {
    const types = isAtLeast(this.version, '16.0') ? [...mailTypes, draftsType] : mailTypes;
    return [...this.folders].filter(([, { type }]) => types.includes(type)).map(([id]) => id);
  }

  /** Those of them that have a key. */
  get synced(): readonly PhoneCollection[] {
    return this.mailFolders.map((id) => this.collection(id)).filter(({ key }) => key !== '0');
  }

  /** Nobody knows what the server has kept to be repeated. */
  forgetCached(): void {
    this.cached = undefined;
  }

  /** The server says that the hierarchy has changed. */
  loseFolder(id: string): void {
    if (this.#around.hasFolder(id) && !this.model.isCrowded)
      this.complain(`Status 12 of ${id}, which is there`);
    this.#collections.delete(id);
  }

  /** A folder and all that this phone knows to be below it, children before their parents. */
  below(id: string): string[] {
    const children = [...this.folders].filter(([, { parent }]) => parent === id).map(([child]) => child);
    return [...children.flatMap((child) => this.below(child)), id];
  }

  /** The folder is gone, with what it held. */
  dropFolder(id: string): void {
    this.folders.delete(id);
    this.#collections.delete(id);
  }

  /** It has lost everything, but for the account. */
  reset(): void {
    this.note('has lost everything it held');
    this.folderKey = '0';
    this.folders.clear();
    this.#collections.clear();
    this.unanswered = undefined;
    this.lastSync = undefined;
    this.lastFolderCall = undefined;
    this.isForked = false;
    this.cached = undefined;
    this.#lost = 0;
  }

  disconnect(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  async provision(): Promise<void> {
    for (;;) {
      const client = await this.#connected();
      try {
        await client.provision();
        this.#policyKey = client.policyKey ?? 0;
        return;
      } catch (error) {
        if (!isCut(error)) throw error;
        this.disconnect();
      }
    }
  }

  /**
   * Sends a request. Undefined when no answer came, by the line or, with `lose`, because the phone does not get it; the
   * request is `unanswered` then.
   */
  async exchange(call: Call, lose = false): Promise<EasResponse | undefined> {
    if (call.command === 'Sync') this.lastSync = call;
    if (call.command.startsWith('Folder')) this.lastFolderCall = call;
    call.begin?.();
    const response = await this.send(call);
    call.learn(response);
    const isLost = lose && ++this.#lost <= 2;
    this.note(
      `${call.what} -> ${response === undefined ? 'no answer' : call.told(response)}${isLost ? ', lost' : ''}`,
    );
    if (response === undefined || isLost) {
      this.unanswered = call;
      for (const { folder, id } of call.concerns) this.collection(folder).underWay.add(id);
      return undefined;
    }
    this.#lost = 0;
    this.unanswered = undefined;
    call.take(response);
    for (const { folder, id } of call.concerns) this.collection(folder).underWay.delete(id);
    return response;
  }

  /** Sends a request again until it is answered. */
  async settle(lose: () => boolean = () => false): Promise<void> {
    while (this.unanswered !== undefined)
      await this.exchange({ ...this.unanswered, what: `again: ${bare(this.unanswered.what)}` }, lose());
  }

  /** Posts a request and gives the answer, from which nobody goes on; undefined when the line broke. */
  async send(call: Call, signal?: AbortSignal): Promise<EasResponse | undefined> {
    const { command, bytes, query, element } = call;
    if (this.#around.validates && element !== undefined)
      assertValid('request', element, command, this.version);
    const client = await this.#connected();
    let isOverdue = false;
    const watch = setTimeout(() => {
      isOverdue = true;
      client.close();
    }, watchMs);
    try {
      const response = await client.post(command, bytes, {
        ...(query && { query }),
        ...(signal && { signal }),
      });
      if (!isGoingDown(response) || this.#around.home.inside !== undefined) return response;
    } catch (error) {
      if (!isCut(error)) throw error;
    } finally {
      clearTimeout(watch);
    }
    if (isOverdue) throw new Error(`${this.id} is not answered: ${call.what}`);
    this.disconnect();
    return undefined;
  }

  /** FolderSync from the last key. */
  folderSyncCall(): Call {
    const key = this.folderKey;
    const element = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, key));
    return {
      command: 'FolderSync',
      bytes: encode(element),
      element,
      what: `FolderSync key ${key}`,
      told: ({ element: answer }) => toldOfFolders(answer),
      learn: () => undefined,
      take: ({ element: answer }) => this.#takeFolders(key, answer),
      concerns: [],
      folders: [],
    };
  }

  async #connected(): Promise<EasClient> {
    const { home, validates } = this.#around;
    const { baseUrl, ca } = await home.address();
    const { user, password } = home;
    if (this.#client === undefined) {
      const own = {
        user,
        password,
        deviceId: `DEVICE${this.id}`,
        version: this.version,
        validate: validates,
      };
      this.#client = new EasClient({ baseUrl, ...own, ...(ca !== undefined && { ca }) });
      this.#client.policyKey = this.#policyKey;
    }
    return this.#client;
  }

  #takeFolders(key: string, answer: Element | undefined): void {
    const status = integerOf(answer, FolderHierarchy.Status);
    if (status !== 1) {
      if (status !== 9 || !this.isForked) this.complain(`FolderSync was answered Status ${status}`);
      this.folderKey = '0';
      return;
    }
    if (key === '0') this.folders.clear();
    if (key === '0') this.isForked = false;
    this.folderKey = textOf(answer, FolderHierarchy.SyncKey) ?? '';
    const changes = child(answer, FolderHierarchy.Changes);
    const listed = (changes?.children ?? []).filter(({ tag }) => tag !== FolderHierarchy.Count);
    if (integerOf(changes, FolderHierarchy.Count) !== listed.length)
      this.complain('Count of FolderSync is wrong');
    for (const change of listed) this.#takeFolder(change);
  }

  #takeFolder(change: Element): void {
    const id = textOf(change, FolderHierarchy.ServerId) ?? '';
    const isHeld = this.folders.has(id);
    if ((change.tag === FolderHierarchy.Add) === isHeld) {
      this.complain(`${change.tag.name} of the folder ${id}, which is ${isHeld ? '' : 'not '}held`);
    }
    if (change.tag === FolderHierarchy.Delete) {
      this.dropFolder(id);
      return;
    }
    const parent = textOf(change, FolderHierarchy.ParentId) ?? '';
    if (parent !== '0' && !this.folders.has(parent))
      this.complain(`the folder ${id} comes before its parent ${parent}`);
    const name = textOf(change, FolderHierarchy.DisplayName) ?? '';
    this.folders.set(id, { parent, name, type: integerOf(change, FolderHierarchy.Type) ?? 0 });
  }
}

/** Versions with empty requests, Wait and Partial. */
export function hasWait(version: ProtocolVersion): boolean {
  return isAtLeast(version, '12.1');
}

function bare(what: string): string {
  return what.replace(/^(?:again: )+/, '');
}

function toldOfFolders(answer: Element | undefined): string {
  const changes = child(answer, FolderHierarchy.Changes)?.children ?? [];
  const told = changes.map(({ tag, ...rest }) =>
    tag === FolderHierarchy.Count ? '' : `${tag.name} ${textOf({ tag, ...rest }, FolderHierarchy.ServerId)}`,
  );
  return `Status ${textOf(answer, FolderHierarchy.Status)} key ${textOf(answer, FolderHierarchy.SyncKey)} ${told.filter(Boolean).join(', ')}`.trim();
}

/** A server that is about to stop, or that is killed, takes nothing more. */
function isGoingDown({ status }: EasResponse): boolean {
  return status === 503;
}

const cuts = ['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ABORT_ERR', 'ERR_STREAM_PREMATURE_CLOSE'];

function isCut(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return cuts.includes(code) || error.name === 'AbortError' || error.message === 'aborted';
}
