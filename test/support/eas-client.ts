import { randomUUID } from 'node:crypto';
import { isAtLeast } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { Move } from '#protocols/activesync/wbxml/code-pages/move';
import { Ping } from '#protocols/activesync/wbxml/code-pages/ping';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import {
  child,
  childrenOf,
  type Element,
  el,
  has,
  integerOf,
  textOf,
} from '#protocols/activesync/wbxml/element';
import { EasCollection } from './eas-collection.ts';
import { EasConnection, type EasResponse, type PostOptions } from './eas-connection.ts';

/** A folder of the hierarchy (MS-ASCMD, FolderSync). */
interface EasFolder {
  readonly parentId: string;
  readonly displayName: string;
  readonly type: number;
}

/** One Sync request for one folder. What is absent is not sent. */
interface SyncOptions {
  /** Default: the key of the last answer. */
  readonly syncKey?: string;
  readonly supported?: readonly Element[];
  readonly deletesAsMoves?: boolean;
  readonly getChanges?: boolean;
  readonly windowSize?: number;
  /** The children of Options before BodyPreference: FilterType, Class, Conflict, MIMESupport, MIMETruncation, Truncation. */
  readonly options?: readonly Element[];
  /** BodyPreference in the Options, from 12.0 on. */
  readonly body?: { readonly type: number; readonly truncationSize?: number; readonly preview?: number };
  /** Add, Change, Delete, Fetch. */
  readonly commands?: readonly Element[];
  readonly waitMinutes?: number;
  readonly heartbeatSeconds?: number;
  readonly signal?: AbortSignal;
}

interface SyncResult {
  readonly response: EasResponse;
  /** Of the Collection, else of the root; 1 for an empty answer. */
  readonly status: number;
  readonly moreAvailable: boolean;
  readonly responses: Element | undefined;
  /** The server's changes. */
  readonly commands: Element | undefined;
}

/** A phone: what it holds, and the commands it sends. Other HTTP answers than 200 make the commands here throw. */
export class EasClient extends EasConnection {
  folderKey = '0';
  /** By ServerId. */
  readonly folders = new Map<string, EasFolder>();
  /** What the server calls the recipient information cache, if it has told. */
  recipientCache: string | undefined;
  private readonly collections = new Map<string, EasCollection>();

  /** The state of a folder, made at the first call. */
  collection(collectionId: string): EasCollection {
    const known = this.collections.get(collectionId);
    if (known !== undefined) return known;
    const collection = new EasCollection();
    this.collections.set(collectionId, collection);
    return collection;
  }

  /** The ServerId of the first folder of a type: 2 Inbox, 3 Drafts, 4 Deleted, 5 Sent, 7 Tasks, 8 Calendar, 9 Contacts. */
  folder(type: number): string {
    for (const [serverId, folder] of this.folders) if (folder.type === type) return serverId;
    throw new Error(`No folder of type ${type}`);
  }

  /** POST that takes only HTTP 200. */
  async command(name: string, body?: Element, options?: PostOptions): Promise<EasResponse> {
    const response = await this.post(name, body, options);
    if (response.status !== 200) throw new Error(`${name} was answered HTTP ${response.status}`);
    return response;
  }

  /**
   * Both phases of Provision, with DeviceInformation as the version wants it; keeps the final key. Gives the policy
   * and undefined, or the element of the wipe that the server asks for, which `acknowledgeWipe` answers.
   */
  async provision(acknowledgement = 1): Promise<{ policy: Element | undefined; wipe: Element | undefined }> {
    const type = el(
      Provision.PolicyType,
      this.version === '2.5' ? 'MS-WAP-Provisioning-XML' : 'MS-EAS-Provisioning-WBXML',
    );
    this.policyKey = 0;
    const first = await this.command(
      'Provision',
      el(
        Provision.Provision,
        isAtLeast(this.version, '14.1') ? this.deviceInformation() : undefined,
        el(Provision.Policies, el(Provision.Policy, type)),
      ),
    );
    const wipe =
      child(first.element, Provision.RemoteWipe) ?? child(first.element, Provision.AccountOnlyRemoteWipe);
    if (wipe !== undefined) return { policy: undefined, wipe };
    const offered = child(first.element, Provision.Policies, Provision.Policy);
    const key = textOf(offered, Provision.PolicyKey);
    if (key === undefined) throw new Error(`Provision was answered without a key: ${first.rootStatus}`);
    this.policyKey = Number(key);
    const policy = el(
      Provision.Policy,
      type,
      el(Provision.PolicyKey, key),
      el(Provision.Status, acknowledgement),
    );
    const second = await this.command('Provision', el(Provision.Provision, el(Provision.Policies, policy)));
    const final = textOf(second.element, Provision.Policies, Provision.Policy, Provision.PolicyKey);
    if (final === undefined) throw new Error(`The acknowledgement was refused: ${second.rootStatus}`);
    this.policyKey = Number(final);
    const settlesInformation = isAtLeast(this.version, '12.0') && !isAtLeast(this.version, '14.1');
    if (settlesInformation) await this.settings(this.deviceInformation());
    return { policy: child(offered, Provision.Data), wipe: undefined };
  }

  /** Answers a wipe: Status 1 done, 2 failed. */
  acknowledgeWipe(wipe: Element, status = 1): Promise<EasResponse> {
    const acknowledgement = el(wipe.tag, el(Provision.Status, status));
    return this.command('Provision', el(Provision.Provision, acknowledgement));
  }

  private deviceInformation(): Element {
    return el(
      Settings.DeviceInformation,
      el(Settings.Set, el(Settings.Model, this.settled.model ?? 'Test Phone 1'), el(Settings.OS, 'TestOS 1')),
    );
  }

  /** Settings with these property nodes. */
  settings(...properties: readonly Element[]): Promise<EasResponse> {
    return this.command('Settings', el(Settings.Settings, ...properties));
  }

  /** FolderSync from the last key; keeps key and folders if the Status, which it gives, is 1. */
  async folderSync(): Promise<number> {
    const request = el(FolderHierarchy.FolderSync, el(FolderHierarchy.SyncKey, this.folderKey));
    const { element, rootStatus } = await this.command('FolderSync', request);
    if (rootStatus !== 1) return rootStatus ?? Number.NaN;
    if (this.folderKey === '0') this.folders.clear();
    this.folderKey = textOf(element, FolderHierarchy.SyncKey) ?? '';
    for (const change of child(element, FolderHierarchy.Changes)?.children ?? []) this.applyFolder(change);
    return rootStatus;
  }

  private applyFolder(change: Element): void {
    const serverId = textOf(change, FolderHierarchy.ServerId);
    if (serverId === undefined) return;
    if (change.tag === FolderHierarchy.Delete) {
      if (!this.folders.delete(serverId)) throw new Error(`Delete of folder ${serverId}, which is not held`);
      this.collections.delete(serverId);
      return;
    }
    if ((change.tag === FolderHierarchy.Add) === this.folders.has(serverId)) {
      throw new Error(`${change.tag.name} of folder ${serverId}, held: ${this.folders.has(serverId)}`);
    }
    // No folder of the mailbox: it stands beside the tree.
    if (textOf(change, FolderHierarchy.Type) === '19') {
      this.recipientCache = serverId;
      return;
    }
    this.folders.set(serverId, {
      parentId: textOf(change, FolderHierarchy.ParentId) ?? '',
      displayName: textOf(change, FolderHierarchy.DisplayName) ?? '',
      type: integerOf(change, FolderHierarchy.Type) ?? Number.NaN,
    });
  }

  /** One Sync of one folder. Keeps key and items if the Status is 1. */
  async sync(collectionId: string, options: SyncOptions = {}): Promise<SyncResult> {
    const request = el(
      AirSync.Sync,
      el(AirSync.Collections, this.collectionElement(collectionId, options)),
      options.waitMinutes === undefined ? undefined : el(AirSync.Wait, options.waitMinutes),
      options.heartbeatSeconds === undefined
        ? undefined
        : el(AirSync.HeartbeatInterval, options.heartbeatSeconds),
    );
    const response = await this.command(
      'Sync',
      request,
      options.signal === undefined ? {} : { signal: options.signal },
    );
    return this.applySync(collectionId, response, options.commands ?? []);
  }

  /** Takes over an answer to Sync for one folder, also one to a request that the test built itself. */
  applySync(collectionId: string, response: EasResponse, sent: readonly Element[] = []): SyncResult {
    const answers = childrenOf(child(response.element, AirSync.Collections), AirSync.Collection);
    const answer = answers.find((candidate) => textOf(candidate, AirSync.CollectionId) === collectionId);
    const result: SyncResult = {
      response,
      status: integerOf(answer, AirSync.Status) ?? response.rootStatus ?? 1,
      moreAvailable: has(answer, AirSync.MoreAvailable),
      responses: child(answer, AirSync.Responses),
      commands: child(answer, AirSync.Commands),
    };
    if (result.status !== 1) return result;
    const collection = this.collection(collectionId);
    collection.applyOwn(sent, result.responses);
    collection.applyCommands(result.commands);
    collection.syncKey = textOf(answer, AirSync.SyncKey) ?? collection.syncKey;
    return result;
  }

  /** The Collection element of a Sync request, children in the order of the schema. */
  collectionElement(collectionId: string, options: SyncOptions = {}): Element {
    const { supported, commands } = options;
    const settings = [...(options.options ?? []), ...this.bodyPreference(options)];
    return el(
      AirSync.Collection,
      isAtLeast(this.version, '12.1') ? undefined : el(AirSync.Class, this.classOf(collectionId)),
      el(AirSync.SyncKey, options.syncKey ?? this.collection(collectionId).syncKey),
      el(AirSync.CollectionId, collectionId),
      supported === undefined ? undefined : el(AirSync.Supported, ...supported),
      options.deletesAsMoves === undefined ? undefined : el(AirSync.DeletesAsMoves, options.deletesAsMoves),
      options.getChanges === undefined ? undefined : el(AirSync.GetChanges, options.getChanges),
      options.windowSize === undefined ? undefined : el(AirSync.WindowSize, options.windowSize),
      settings.length === 0 ? undefined : el(AirSync.Options, ...settings),
      commands === undefined || commands.length === 0 ? undefined : el(AirSync.Commands, ...commands),
    );
  }

  private bodyPreference({ body }: SyncOptions): readonly Element[] {
    if (body === undefined || this.version === '2.5') return [];
    const { type, truncationSize, preview } = body;
    const preference = el(
      AirSyncBase.BodyPreference,
      el(AirSyncBase.Type, type),
      truncationSize === undefined ? undefined : el(AirSyncBase.TruncationSize, truncationSize),
      preview === undefined || !isAtLeast(this.version, '14.0')
        ? undefined
        : el(AirSyncBase.Preview, preview),
    );
    return [preference];
  }

  /** A folder's class, by its type. */
  classOf(collectionId: string): string {
    const type = this.folders.get(collectionId)?.type ?? 1;
    if (type === 8 || type === 13) return 'Calendar';
    if (type === 9 || type === 14 || collectionId === this.recipientCache) return 'Contacts';
    if (type === 7 || type === 15) return 'Tasks';
    return type === 10 || type === 17 ? 'Notes' : 'Email';
  }

  /**
   * Syncs a folder until nothing more waits: primes it from key 0 first if need be, and starts again once when the
   * key is refused (Status 3). Gives the items. Throws for any other Status.
   */
  async syncAll(collectionId: string, options: SyncOptions = {}): Promise<ReadonlyMap<string, Element>> {
    const collection = this.collection(collectionId);
    let mayRestart = true;
    for (;;) {
      const isPriming = collection.syncKey === '0';
      const { supported, ...rest } = options;
      const priming: SyncOptions = supported === undefined ? {} : { supported };
      const result = await this.sync(collectionId, isPriming ? priming : rest);
      if (result.status === 3 && mayRestart) {
        mayRestart = false;
        collection.reset();
      } else if (result.status !== 1) {
        throw new Error(`Sync of ${collectionId} was answered Status ${result.status}`);
      } else if (!isPriming && !result.moreAvailable) {
        return collection.items;
      } else if (result.moreAvailable && result.commands === undefined) {
        throw new Error(`MoreAvailable without any change in ${collectionId}`);
      }
    }
  }

  /** Ping; absent parts are left to the server's cache, and with none the request is empty. */
  async ping(
    folders?: readonly string[],
    heartbeatSeconds?: number,
    signal?: AbortSignal,
  ): Promise<{ status: number; folders: string[]; response: EasResponse }> {
    const listed = folders?.map((id) => el(Ping.Folder, el(Ping.Id, id), el(Ping.Class, this.classOf(id))));
    const request = el(
      Ping.Ping,
      heartbeatSeconds === undefined ? undefined : el(Ping.HeartbeatInterval, heartbeatSeconds),
      listed === undefined ? undefined : el(Ping.Folders, ...listed),
    );
    const body = request.children.length === 0 ? undefined : request;
    const response = await this.command('Ping', body, signal === undefined ? {} : { signal });
    const changed = childrenOf(child(response.element, Ping.Folders), Ping.Folder).map(({ text }) => text);
    return { status: response.rootStatus ?? Number.NaN, folders: changed, response };
  }

  /** How many changes wait in a folder. Below 14.0 the FilterType is 0 unless given; from 14.0 on absent. */
  async getItemEstimate(
    collectionId: string,
    options: { readonly syncKey?: string; readonly filterType?: number } = {},
  ): Promise<{ status: number; estimate: number | undefined }> {
    const key = el(AirSync.SyncKey, options.syncKey ?? this.collection(collectionId).syncKey);
    const id = el(GetItemEstimate.CollectionId, collectionId);
    const filter = (type: number) => el(AirSync.FilterType, type);
    const parts = isAtLeast(this.version, '14.0')
      ? [
          key,
          id,
          options.filterType === undefined ? undefined : el(AirSync.Options, filter(options.filterType)),
        ]
      : [el(GetItemEstimate.Class, this.classOf(collectionId)), id, filter(options.filterType ?? 0), key];
    const collection = el(GetItemEstimate.Collection, ...parts);
    const request = el(GetItemEstimate.GetItemEstimate, el(GetItemEstimate.Collections, collection));
    const { element, rootStatus } = await this.command('GetItemEstimate', request);
    const answer = child(element, GetItemEstimate.Response);
    return {
      status: integerOf(answer, GetItemEstimate.Status) ?? rootStatus ?? Number.NaN,
      estimate: integerOf(answer, GetItemEstimate.Collection, GetItemEstimate.Estimate),
    };
  }

  /**
   * ItemOperations Fetch: an item of a folder (CollectionId and ServerId) or an attachment (FileReference). `options`
   * are the children of Options. Gives the Status and Properties; in a multipart answer `response.parts` has the data.
   */
  async fetch(
    what: { readonly collectionId: string; readonly serverId: string } | { readonly fileReference: string },
    options: readonly Element[] = [],
    acceptMultiPart = false,
  ): Promise<{ status: number; properties: Element | undefined; response: EasResponse }> {
    const selector =
      'fileReference' in what
        ? [el(AirSyncBase.FileReference, what.fileReference)]
        : [el(AirSync.CollectionId, what.collectionId), el(AirSync.ServerId, what.serverId)];
    const fetch = el(
      ItemOperations.Fetch,
      el(ItemOperations.Store, 'Mailbox'),
      ...selector,
      options.length === 0 ? undefined : el(ItemOperations.Options, ...options),
    );
    const request = el(ItemOperations.ItemOperations, fetch);
    const response = await this.command('ItemOperations', request, { acceptMultiPart });
    const answer = child(response.element, ItemOperations.Response, ItemOperations.Fetch);
    const status = integerOf(answer, ItemOperations.Status) ?? response.rootStatus ?? Number.NaN;
    return { status, properties: child(answer, ItemOperations.Properties), response };
  }

  /** GetAttachment, up to 12.1; any HTTP status is given back, and the bytes are the body. */
  getAttachment(attachmentName: string): Promise<EasResponse> {
    return this.post('GetAttachment', undefined, { query: { AttachmentName: attachmentName } });
  }

  /** Moves items; the moved ones leave their source here, and come by the next Sync of the destination. */
  async moveItems(
    ...moves: readonly { readonly item: string; readonly from: string; readonly to: string }[]
  ): Promise<{ source: string; status: number; destination: string | undefined }[]> {
    const requests = moves.map(({ item, from, to }) =>
      el(Move.Move, el(Move.SrcMsgId, item), el(Move.SrcFldId, from), el(Move.DstFldId, to)),
    );
    const { element } = await this.command('MoveItems', el(Move.MoveItems, ...requests));
    const results = childrenOf(element, Move.Response).map((response) => ({
      source: textOf(response, Move.SrcMsgId) ?? '',
      status: integerOf(response, Move.Status) ?? Number.NaN,
      destination: textOf(response, Move.DstMsgId),
    }));
    for (const { item, from } of moves) {
      if (results.some(({ source, status }) => source === item && status === 3))
        this.collection(from).moved(item);
    }
    return results;
  }

  /**
   * SendMail: as WBXML from 14.0 on, as message/rfc822 below. Any HTTP status is given back; success is 200 and
   * no body.
   */
  sendMail(
    mime: string | Uint8Array,
    options: { readonly clientId?: string; readonly saveInSent?: boolean } = {},
  ): Promise<EasResponse> {
    const bytes = typeof mime === 'string' ? Buffer.from(mime) : mime;
    const savesInSent = options.saveInSent ?? true;
    if (!isAtLeast(this.version, '14.0')) {
      return this.post('SendMail', bytes, { query: { SaveInSent: savesInSent ? 'T' : 'F' } });
    }
    const request = el(
      ComposeMail.SendMail,
      el(ComposeMail.ClientId, options.clientId ?? randomUUID()),
      savesInSent ? el(ComposeMail.SaveInSentItems) : undefined,
      el(ComposeMail.Mime, bytes),
    );
    return this.post('SendMail', request);
  }
}
