/** Every row of the database, on one page. Key fields are fixed-width and big-endian, so byte order is tuple order. */
import type { Kept } from '#directory/kept';
import type { EntityId, OrganizationId } from '#domain/ids';
import type { u8, u16, u32, u64 } from './keys.ts';
import * as admin from './records/access.ts';
import { accessControlRuleCodec } from './records/access-control.ts';
import * as device from './records/device.ts';
import * as access from './records/device-access.ts';
import * as diary from './records/diary.ts';
import * as directory from './records/directory.ts';
import * as kept from './records/kept.ts';
import * as mail from './records/mail.ts';
import * as policy from './records/policy.ts';
import * as preferences from './records/preferences.ts';
import * as queue from './records/queue.ts';
import * as search from './records/search.ts';
import { transportPolicyCodec } from './records/transport-policy.ts';
import { plainRow, sealedRow } from './rows.ts';
import type { Bytes } from './store.ts';

type U8 = ReturnType<typeof u8>;
type U16 = ReturnType<typeof u16>;
type U32 = ReturnType<typeof u32>;
type U64 = ReturnType<typeof u64>;

/** `S`: the installation. */
export const systemRows = {
  /** k: organisation (16 zero bytes for the installation), epoch. A data key, wrapped by the master key. */
  dataKey: plainRow<[Bytes, U16], Uint8Array>('k', mail.bytesCodec),
  /** d: domain. Whose it is. */
  domainOwner: plainRow<[Bytes], OrganizationId>('d', directory.organizationIdCodec),
  /** a: address. Who has it. */
  address: plainRow<[Bytes], Parameters<typeof directory.addressHolderCodec.encode>[0]>(
    'a',
    directory.addressHolderCodec,
  ),
  /** i: alias of an organisation. */
  alias: plainRow<[Bytes], OrganizationId>('i', directory.organizationIdCodec),
  /** o: organisation. */
  organization: sealedRow<[Bytes], Parameters<typeof directory.organizationCodec.encode>[0]>(
    'o',
    directory.organizationCodec,
  ),
  /** U: HMAC of a name, organisation, user. Whom the name may mean at sign-in without a domain (directory-indexes.ts); empty. */
  signInName: plainRow<[Bytes, Bytes, Bytes], null>('U', mail.emptyCodec),
  /** P: when it was made (ms), organisation. Organisations with an administrator for mail; empty. */
  administered: plainRow<[U64, Bytes], null>('P', mail.emptyCodec),
  /** x: due (ms), organisation, mailbox. Disabled mailboxes, when they are to be removed; empty. */
  due: plainRow<[U64, Bytes, Bytes], null>('x', mail.emptyCodec),
  /** m: kind of maintenance. When it was last done (ms). */
  lastDone: plainRow<[U8], number>('m', mail.numberCodec),
  /** t: client token. Requests that make something in the installation, for a day. */
  clientToken: sealedRow<[Bytes], Parameters<typeof directory.clientTokenCodec.encode>[0]>(
    't',
    directory.clientTokenCodec,
  ),
  /** s: HMAC of another domain. How mail to it has to travel (MTA-STS), expires. */
  transportPolicy: sealedRow<[Bytes], Parameters<typeof transportPolicyCodec.encode>[0]>(
    's',
    transportPolicyCodec,
  ),
  /** T: organisation, mailbox, HMAC of a device's id. Until when its requests are kept. */
  deviceTrace: sealedRow<[Bytes, Bytes, Bytes], Parameters<typeof diary.traceSettingCodec.encode>[0]>(
    'T',
    diary.traceSettingCodec,
  ),
  /** K: id of an access key of the admin API. */
  accessKey: sealedRow<[Bytes], Parameters<typeof admin.accessKeyCodec.encode>[0]>('K', admin.accessKeyCodec),
  /** n: organisation (16 zero bytes for the installation), id of an access key; empty. */
  accessKeyOwner: plainRow<[Bytes, Bytes], null>('n', mail.emptyCodec),
  /** I: HMAC of its ARN. What stands for this server at an identity provider. */
  identityCenterApplication: sealedRow<[Bytes], Kept['identityCenterApplication']>(
    'I',
    kept.identityCenterApplicationCodec,
  ),
  /** u: began (ms), request. A call of the admin API that is about no organisation. */
  audit: sealedRow<[U64, Bytes], admin.AuditRecord>('u', admin.auditCodec),
};

/** `O<org>`: the directory of an organisation, its policies and its devices. */
export const organizationRows = {
  /** e: entity. */
  entity: sealedRow<[Bytes], Parameters<typeof directory.entityCodec.encode>[0]>('e', directory.entityCodec),
  /** D: domain. */
  domain: sealedRow<[Bytes], Parameters<typeof directory.domainCodec.encode>[0]>('D', directory.domainCodec),
  /** K: domain. The keys that sign its outgoing mail. */
  dkim: sealedRow<[Bytes], Parameters<typeof directory.dkimCodec.encode>[0]>('K', directory.dkimCodec),
  /** d: domain. What was found in DNS when it was looked at last. */
  domainLook: sealedRow<[Bytes], Parameters<typeof directory.domainLookCodec.encode>[0]>(
    'd',
    directory.domainLookCodec,
  ),
  /** i: kind, name. Which entity has it. */
  name: plainRow<[U8, Bytes], EntityId>('i', directory.entityIdCodec),
  /** t: client token. Requests that make something in the organisation, for a day. */
  clientToken: sealedRow<[Bytes], Parameters<typeof directory.clientTokenCodec.encode>[0]>(
    't',
    directory.clientTokenCodec,
  ),
  /** m: group, member; empty, write-once. */
  member: plainRow<[Bytes, Bytes], null>('m', mail.emptyCodec),
  /** M: member, group; the same the other way round. */
  membership: plainRow<[Bytes, Bytes], null>('M', mail.emptyCodec),
  /** h: entity, grantee. What the grantee, or everybody in it, may do with the entity's mailbox and address. */
  mailboxGrant: sealedRow<[Bytes, Bytes], Parameters<typeof directory.mailboxPermissionsCodec.encode>[0]>(
    'h',
    directory.mailboxPermissionsCodec,
  ),
  /** H: grantee, entity; the same the other way round, empty. */
  mailboxGrantTo: plainRow<[Bytes, Bytes], null>('H', mail.emptyCodec),
  /** c: HMAC of a rule's name. An access control rule. */
  accessControlRule: sealedRow<[Bytes], Parameters<typeof accessControlRuleCodec.encode>[0]>(
    'c',
    accessControlRuleCodec,
  ),
  /** C: those rules were changed: the stored ones count, not the one that an organisation begins with; empty. */
  accessControlChanged: plainRow<[], null>('C', mail.emptyCodec),
  /** b: resource, delegate; empty, write-once. */
  delegate: plainRow<[Bytes, Bytes], null>('b', mail.emptyCodec),
  /** B: delegate, resource; the same the other way round. */
  delegation: plainRow<[Bytes, Bytes], null>('B', mail.emptyCodec),
  /** T: the tags of the organisation. */
  tags: sealedRow<[], directory.Tags>('T', directory.tagsCodec),
  /** P: user, part (0, 1). Its photo, of which a part holds 50 KiB. */
  photo: sealedRow<[Bytes, U8], Uint8Array>('P', mail.bytesCodec),
  /** X: user. Its S/MIME certificates, in DER. */
  certificates: sealedRow<[Bytes], readonly Uint8Array[]>('X', directory.certificatesCodec),
  /** R: where mail for nobody goes. */
  mailRouting: sealedRow<[], Parameters<typeof directory.mailRoutingCodec.encode>[0]>(
    'R',
    directory.mailRoutingCodec,
  ),
  /** A: whether failures of DMARC are refused or put aside. */
  dmarcEnforced: plainRow<[], boolean>('A', directory.flagCodec),
  /** J: where records of messages go. */
  journaling: sealedRow<[], Parameters<typeof directory.journalingCodec.encode>[0]>(
    'J',
    directory.journalingCodec,
  ),
  /** p: organisation, group or user. Its mobile policy. */
  policy: sealedRow<[Bytes], Parameters<typeof policy.policyCodec.encode>[0]>('p', policy.policyCodec),
  /** x: rule. A mobile device access rule. */
  accessRule: sealedRow<[Bytes], access.AccessRuleRecord>('x', access.accessRuleCodec),
  /** w: the rules were changed: those that there are count, not the one that an organisation begins with; empty. */
  accessRulesChanged: plainRow<[], null>('w', mail.emptyCodec),
  /** v: mailbox, device. A mobile device access override. */
  accessOverride: sealedRow<[Bytes, Bytes], access.AccessOverrideRecord>('v', access.accessOverrideCodec),
  /** g: how it takes devices, beside its rules. */
  accessSettings: sealedRow<[], Parameters<typeof access.accessSettingsCodec.encode>[0]>(
    'g',
    access.accessSettingsCodec,
  ),
  /** u: began (ms), request. A call of the admin API. */
  audit: sealedRow<[U64, Bytes], admin.AuditRecord>('u', admin.auditCodec),
  /** I: HMAC of its id. An impersonation role. */
  impersonationRole: sealedRow<[Bytes], Kept['impersonationRole']>('I', kept.impersonationRoleCodec),
  /** j: HMAC of a role's id. Its tokens that are not over. */
  impersonationTokens: sealedRow<[Bytes], Kept['impersonationTokens']>('j', kept.impersonationTokensCodec),
  /** k: HMAC of its id. A personal access token. */
  personalToken: sealedRow<[Bytes], Kept['personalToken']>('k', kept.personalTokenCodec),
  /** N: HMAC of a user's id. Which personal access tokens it has. */
  tokensOf: sealedRow<[Bytes], Kept['tokensOf']>('N', kept.tokensOfCodec),
  /** Q: HMAC of nothing. How users sign in beside passwords, or in place of them. */
  identityProvider: sealedRow<[Bytes], Kept['identityProvider']>('Q', kept.identityProviderCodec),
  /** f: HMAC of a domain. Who knows when its people are free, with the password to ask them by. */
  availability: sealedRow<[Bytes], Kept['availability']>('f', kept.availabilityCodec),
  /** l: HMAC of nothing. Where a log of mail is wanted. */
  emailMonitoring: sealedRow<[Bytes], Kept['emailMonitoring']>('l', kept.emailMonitoringCodec),
  /** z: id, which begins with when it was made. The export of a mailbox. */
  exportJob: sealedRow<[Bytes], Kept['exportJob']>('z', kept.exportJobCodec),
  /** Z: HMAC of an entity's id. When the last export of its mailbox began. */
  lastExport: sealedRow<[Bytes], Kept['lastExport']>('Z', kept.lastExportCodec),
  /** L: HMAC of nothing. How long mail is kept. */
  retentionPolicy: sealedRow<[Bytes], Kept['retentionPolicy']>('L', kept.retentionPolicyCodec),
  /** E: mailbox, device. For listing devices. */
  deviceEntry: sealedRow<[Bytes, Bytes], policy.DeviceEntryRecord>('E', policy.deviceEntryCodec),
};

/** `M<mailbox>`: one mailbox. A device stands in keys as the HMAC of its id. */
export const mailboxRows = {
  /** f: folder. */
  folder: sealedRow<[U32], Parameters<typeof mail.folderCodec.encode>[0]>('f', mail.folderCodec),
  /** F: seq. What a transaction did to the folder tree, write-once. */
  hierarchy: plainRow<[U64], Parameters<typeof mail.hierarchyCodec.encode>[0]>('F', mail.hierarchyCodec),
  /** i: folder, item. What a list needs. */
  item: sealedRow<[U32, U64], mail.ItemRecord>('i', mail.itemCodec),
  /** p: item. The rest: part index, preview, an envelope too long for `i`. */
  detail: sealedRow<[U64], mail.DetailRecord>('p', mail.detailCodec),
  /** b: item. The raw message, if small. */
  body: sealedRow<[U64], Uint8Array>('b', mail.bytesCodec),
  /** a: item. What stands around its large body, if something does. */
  frame: sealedRow<[U64], mail.BodyFrame>('a', mail.bodyFrameCodec),
  /** t: folder, 2^53 - 1 - received (ms), item. The list, newest first; empty. */
  place: plainRow<[U32, U64, U64], null>('t', mail.emptyCodec),
  /** n: HMAC of the conversation's id, folder, 2^53 - 1 - received (ms), item; empty. */
  conversation: plainRow<[Bytes, U32, U64, U64], null>('n', mail.emptyCodec),
  /** N: since when (ms) every item of the mailbox has its row `n`; absent where an older version stored some. */
  conversationsWhole: plainRow<[], number>('N', mail.numberCodec),
  /** m: HMAC of the conversation's id. The folder that new items of it go to, and since when. */
  conversationMove: plainRow<[Bytes], mail.ConversationMoveRecord>('m', mail.conversationMoveCodec),
  /** c: folder, seq. What a transaction did in the folder, write-once. */
  change: plainRow<[U32, U64], Parameters<typeof mail.changeCodec.encode>[0]>('c', mail.changeCodec),
  /** z: folder. The oldest seq from which `c` is complete. */
  trimmed: plainRow<[U32], number>('z', mail.numberCodec),
  /** d: device. */
  device: sealedRow<[Bytes], Parameters<typeof device.deviceCodec.encode>[0]>('d', device.deviceCodec),
  /** y: device, folder, generation (parity of the state's number). */
  syncState: sealedRow<[Bytes, U32, U8], Parameters<typeof device.syncStateCodec.encode>[0]>(
    'y',
    device.syncStateCodec,
  ),
  /** Y: device, generation. */
  folderSyncState: sealedRow<[Bytes, U8], Parameters<typeof device.folderSyncStateCodec.encode>[0]>(
    'Y',
    device.folderSyncStateCodec,
  ),
  /** k: device. The last Ping and Sync sent whole. */
  cachedRequests: sealedRow<[Bytes], Parameters<typeof device.cachedRequestsCodec.encode>[0]>(
    'k',
    device.cachedRequestsCodec,
  ),
  /** g: device, number, how many. Requests of a device, write-once. */
  diary: sealedRow<[Bytes, U64, U8], Parameters<typeof diary.diaryCodec.encode>[0]>('g', diary.diaryCodec),
  /** X: device, began (ms), ordinal, piece. A request and its answer, as long as they are kept; write-once. */
  trace: sealedRow<[Bytes, U64, U32, U8], Uint8Array>('X', mail.bytesCodec),
  /** v: HMAC of the accept id. A delivery or SendMail that is in the mailbox, write-once, expires. */
  marker: plainRow<[Bytes], mail.MarkerRecord>('v', mail.markerCodec),
  /** o: 0 the automatic reply without its texts, 1 the text for those inside, 2 for those outside. */
  automaticReply: sealedRow<[U8], preferences.AutomaticReplyRecord>('o', preferences.automaticReplyCodec),
  /** r: the rules, in their order. */
  mailRules: sealedRow<[], Parameters<typeof preferences.mailRulesCodec.encode>[0]>(
    'r',
    preferences.mailRulesCodec,
  ),
  /** R: whom its owner wrote to lately. */
  recipientCache: sealedRow<[], Parameters<typeof preferences.recipientCacheCodec.encode>[0]>(
    'R',
    preferences.recipientCacheCodec,
  ),
  /** q: bytes and items, the next folder number, and whether there may be rows `m`. */
  usage: plainRow<[], mail.UsageRecord>('q', mail.usageCodec),
  /** W: the search index as a whole; absent if there is none. */
  searchIndex: plainRow<[], search.SearchIndexRecord>('W', search.searchIndexCodec),
  /** w: 0, segment. A part of the index; what it is made of stands in the three kinds below. */
  searchSegment: sealedRow<[U8, U32], search.SearchSegmentRecord>('w', search.searchSegmentCodec),
  /** w: 1, segment. Its items. */
  searchItems: sealedRow<[U8, U32], search.SearchItemsRecord>('w', search.searchItemsCodec),
  /** w: 2, segment, number. A piece of its words in their order, and the items each is in; write-once (search/chunks.ts). */
  searchWords: sealedRow<[U8, U32, U32], Uint8Array>('w', mail.bytesCodec),
  /** w: 3, item. What became of it since it was put into the index. */
  searchMoved: plainRow<[U8, U64], search.SearchMovedRecord>('w', search.searchMovedCodec),
  /** e: what the mailbox's newest seq was when (tasks.ts, notes), for the retention policy. */
  retentionNotes: plainRow<[], Uint8Array>('e', mail.bytesCodec),
  /** T: due (ms), kind, what it is about (tasks.ts). What is to be done in this mailbox later; empty. */
  task: plainRow<[U64, U8, Bytes], null>('T', mail.emptyCodec),
};

/** `B<org><u8>`: large bodies, by the first byte of their id. */
export const blobRows = {
  /** b: blob. */
  blob: plainRow<[Bytes], mail.BlobRecord>('b', mail.blobCodec),
  /** B: blob, mailbox or queued message that has it; empty, write-once. */
  reference: plainRow<[Bytes, Bytes], null>('B', mail.emptyCodec),
};

/** `Q<u8>`: a shard of the queue. */
export const queueRows = {
  /** m: queued message. */
  message: sealedRow<[Bytes], Parameters<typeof queue.queuedMessageCodec.encode>[0]>(
    'm',
    queue.queuedMessageCodec,
  ),
  /** r: queued message, number. The recipients that the message's own row has no room for, 16 bytes each. */
  recipients: plainRow<[Bytes, U16], Uint8Array>('r', mail.bytesCodec),
  /** a: queued message or outbound mail. What stands around its large body, if something does. */
  frame: sealedRow<[Bytes], mail.BodyFrame>('a', mail.bodyFrameCodec),
  /** d: due (ms), queued message; empty. */
  due: plainRow<[U64, Bytes], null>('d', mail.emptyCodec),
  /** M: outbound mail. Envelope, recipients' states, and what is known of its bytes. */
  outbound: sealedRow<[Bytes], queue.OutboundRecord>('M', queue.outboundCodec),
  /** b: outbound mail. The raw message, if small. */
  outboundBody: sealedRow<[Bytes], Uint8Array>('b', mail.bytesCodec),
  /** h: HMAC of the destination, due (ms), outbound mail that nobody holds. Empty; an older version kept its holder here. */
  destination: plainRow<[Bytes, U64, Bytes], Uint8Array>('h', mail.bytesCodec),
  /** H: outbound mail that is held. Who holds it. */
  held: plainRow<[Bytes], Uint8Array>('H', mail.bytesCodec),
  /** t: due (ms), organisation, mailbox. Mailboxes with tasks; empty. */
  mailboxTask: plainRow<[U64, Bytes, Bytes], null>('t', mail.emptyCodec),
};
