/** Good requests of every command there is, served or not: what mutations begin with. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { codePages } from '#protocols/activesync/wbxml/code-pages/index';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import { fromXml } from '#test/support/eas-xml';

/** What of a device stands in its requests. */
export interface Known {
  readonly folderKey: string;
  readonly syncKey: string;
  readonly inbox: string;
  /** A ServerId. */
  readonly item: string;
  readonly address: string;
}

const mime = 'From: a@example.test&#13;\nTo: ADDRESS&#13;\nSubject: Hello&#13;\n&#13;\nText.&#13;\n';
const source = '<Source><FolderId>INBOX</FolderId><ItemId>ITEM</ItemId></Source>';
const preference =
  '<b:BodyPreference><b:Type>1</b:Type><b:TruncationSize>100</b:TruncationSize><b:AllOrNone>0</b:AllOrNone><b:Preview>20</b:Preview></b:BodyPreference>';
const flag =
  '<e:Flag><e:Status>2</e:Status><e:FlagType>for Follow Up</e:FlagType><t:StartDate>2026-11-22T08:00:00.000Z</t:StartDate><t:DueDate>2026-11-23T08:00:00.000Z</t:DueDate><t:UtcStartDate>2026-11-22T08:00:00.000Z</t:UtcStartDate><t:UtcDueDate>2026-11-23T08:00:00.000Z</t:UtcDueDate><t:ReminderSet>1</t:ReminderSet><t:ReminderTime>2026-11-22T08:00:00.000Z</t:ReminderTime></e:Flag>';
const data = `<ApplicationData><e:Read>1</e:Read>${flag}<e:Categories><e:Category>Blue</e:Category></e:Categories></ApplicationData>`;
const draft =
  '<ApplicationData><e:To>ADDRESS</e:To><e:Subject>Draft</e:Subject><b:Body><b:Type>1</b:Type><b:Data>Text</b:Data></b:Body><b:Attachments><b:Add><b:ClientId>a1</b:ClientId><b:Content>AAAA</b:Content><b:DisplayName>a.txt</b:DisplayName><b:Method>1</b:Method></b:Add></b:Attachments></ApplicationData>';
const sync =
  'xmlns="AirSync" xmlns:b="AirSyncBase" xmlns:e="Email" xmlns:f="Email2" xmlns:t="Tasks" xmlns:r="RightsManagement"';
const operations = 'xmlns="ItemOperations" xmlns:a="AirSync" xmlns:b="AirSyncBase" xmlns:s="Search"';

const requests: readonly string[] = [
  `<Sync ${sync}><Collections><Collection><SyncKey>KEY</SyncKey><CollectionId>INBOX</CollectionId><DeletesAsMoves>1</DeletesAsMoves><GetChanges>1</GetChanges><WindowSize>5</WindowSize><Options><FilterType>3</FilterType><Conflict>1</Conflict><MIMETruncation>8</MIMETruncation><MIMESupport>2</MIMESupport>${preference}</Options><Commands><Change><ServerId>ITEM</ServerId>${data}</Change><Fetch><ServerId>ITEM</ServerId></Fetch><Delete><ServerId>INBOX:9999</ServerId></Delete></Commands></Collection></Collections><WindowSize>10</WindowSize></Sync>`,
  `<Sync ${sync}><Collections><Collection><SyncKey>KEY</SyncKey><CollectionId>INBOX</CollectionId></Collection><Collection><SyncKey>0</SyncKey><CollectionId>3</CollectionId><Options><FilterType>0</FilterType></Options></Collection></Collections><Wait>5</Wait><Partial/></Sync>`,
  `<Sync ${sync}><Collections><Collection><SyncKey>KEY</SyncKey><CollectionId>2</CollectionId><ConversationMode>1</ConversationMode><Options><Class>SMS</Class></Options><Options><Class>Email</Class><b:BodyPartPreference><b:Type>2</b:Type></b:BodyPartPreference><r:RightsManagementSupport>1</r:RightsManagementSupport></Options><Commands><Add><ClientId>c1</ClientId>${draft}</Add><Add><ClientId>c2</ClientId><f:Send/>${draft}</Add></Commands></Collection></Collections><HeartbeatInterval>60</HeartbeatInterval></Sync>`,
  `<SendMail xmlns="ComposeMail"><ClientId>CLIENT</ClientId><AccountId>1</AccountId><SaveInSentItems/><Mime>${mime}</Mime></SendMail>`,
  `<SmartReply xmlns="ComposeMail"><ClientId>CLIENT</ClientId>${source}<SaveInSentItems/><ReplaceMime/><Mime>${mime}</Mime></SmartReply>`,
  `<SmartForward xmlns="ComposeMail"><ClientId>CLIENT</ClientId>${source}<SaveInSentItems/><Mime>${mime}</Mime></SmartForward>`,
  `<SmartForward xmlns="ComposeMail" xmlns:b="AirSyncBase"><ClientId>CLIENT</ClientId><Source><LongId>ITEM</LongId><InstanceId>2026-11-22T08:00:00.000Z</InstanceId></Source><Forwardees><Forwardee><Email>ADDRESS</Email><Name>A</Name></Forwardee></Forwardees><b:Body><b:Type>1</b:Type><b:Data>x</b:Data></b:Body></SmartForward>`,
  '<FolderSync xmlns="FolderHierarchy"><SyncKey>FOLDERKEY</SyncKey></FolderSync>',
  '<FolderCreate xmlns="FolderHierarchy"><SyncKey>FOLDERKEY</SyncKey><ParentId>0</ParentId><DisplayName>Fuzz</DisplayName><Type>12</Type></FolderCreate>',
  '<FolderUpdate xmlns="FolderHierarchy"><SyncKey>FOLDERKEY</SyncKey><ServerId>11</ServerId><ParentId>0</ParentId><DisplayName>Other</DisplayName></FolderUpdate>',
  '<FolderDelete xmlns="FolderHierarchy"><SyncKey>FOLDERKEY</SyncKey><ServerId>11</ServerId></FolderDelete>',
  '<MoveItems xmlns="Move"><Move><SrcMsgId>ITEM</SrcMsgId><SrcFldId>INBOX</SrcFldId><DstFldId>6</DstFldId></Move><Move><SrcMsgId>6:1</SrcMsgId><SrcFldId>6</SrcFldId><DstFldId>INBOX</DstFldId></Move></MoveItems>',
  '<GetItemEstimate xmlns="GetItemEstimate" xmlns:a="AirSync"><Collections><Collection><a:SyncKey>KEY</a:SyncKey><CollectionId>INBOX</CollectionId><a:ConversationMode>1</a:ConversationMode><a:Options><a:FilterType>2</a:FilterType><a:Class>Email</a:Class><a:MaxItems>5</a:MaxItems></a:Options></Collection></Collections></GetItemEstimate>',
  '<MeetingResponse xmlns="MeetingResponse" xmlns:s="Search"><Request><UserResponse>1</UserResponse><CollectionId>INBOX</CollectionId><RequestId>ITEM</RequestId><InstanceId>2026-11-22T08:00:00.000Z</InstanceId></Request></MeetingResponse>',
  '<Search xmlns="Search" xmlns:a="AirSync" xmlns:b="AirSyncBase" xmlns:e="Email"><Store><Name>Mailbox</Name><Query><And><a:Class>Email</a:Class><a:CollectionId>INBOX</a:CollectionId><FreeText>text</FreeText><GreaterThan><e:DateReceived/><Value>2026-01-01T00:00:00.000Z</Value></GreaterThan><LessThan><e:DateReceived/><Value>2027-01-01T00:00:00.000Z</Value></LessThan></And></Query><Options><RebuildResults/><DeepTraversal/><Range>0-9</Range><b:BodyPreference><b:Type>1</b:Type></b:BodyPreference></Options></Store></Search>',
  '<Search xmlns="Search"><Store><Name>GAL</Name><Query>ali</Query><Options><Range>0-9</Range><Picture><MaxSize>1000</MaxSize><MaxPictures>2</MaxPictures></Picture></Options></Store></Search>',
  '<Search xmlns="Search" xmlns:d="DocumentLibrary"><Store><Name>DocumentLibrary</Name><Query><EqualTo><d:LinkId/><Value>\\\\server\\share</Value></EqualTo></Query><Options><Range>0-9</Range></Options></Store></Search>',
  '<Settings xmlns="Settings"><Oof><Set><OofState>2</OofState><StartTime>2026-11-22T08:00:00.000Z</StartTime><EndTime>2026-11-23T08:00:00.000Z</EndTime><OofMessage><AppliesToInternal/><Enabled>1</Enabled><ReplyMessage>Away</ReplyMessage><BodyType>Text</BodyType></OofMessage></Set></Oof><DeviceInformation><Set><Model>M</Model><IMEI>1</IMEI><FriendlyName>F</FriendlyName><OS>O</OS><PhoneNumber>1</PhoneNumber></Set></DeviceInformation><DevicePassword><Set><Password>secret</Password></Set></DevicePassword><UserInformation><Get/></UserInformation><RightsManagementInformation><Get/></RightsManagementInformation></Settings>',
  '<Settings xmlns="Settings"><Oof><Get><BodyType>HTML</BodyType></Get></Oof></Settings>',
  '<Ping xmlns="Ping"><HeartbeatInterval>60</HeartbeatInterval><Folders><Folder><Id>INBOX</Id><Class>Email</Class></Folder><Folder><Id>3</Id><Class>Email</Class></Folder></Folders></Ping>',
  `<ItemOperations ${operations}><Fetch><Store>Mailbox</Store><a:CollectionId>INBOX</a:CollectionId><a:ServerId>ITEM</a:ServerId><Options><Schema><b:Body/></Schema><a:MIMESupport>2</a:MIMESupport><b:BodyPreference><b:Type>4</b:Type></b:BodyPreference></Options></Fetch><Fetch><Store>Mailbox</Store><b:FileReference>ITEM:1</b:FileReference><Options><Range>0-9</Range></Options></Fetch><Fetch><Store>Mailbox</Store><s:LongId>ITEM</s:LongId></Fetch></ItemOperations>`,
  `<ItemOperations ${operations}><EmptyFolderContents><a:CollectionId>3</a:CollectionId><Options><DeleteSubFolders/></Options></EmptyFolderContents><Move><ConversationId>AAAAAAAAAAAAAAAA</ConversationId><DstFldId>6</DstFldId><Options><MoveAlways/></Options></Move></ItemOperations>`,
  '<Provision xmlns="Provision" xmlns:s="Settings"><s:DeviceInformation><s:Set><s:Model>iPhone</s:Model><s:OS>iOS</s:OS></s:Set></s:DeviceInformation><Policies><Policy><PolicyType>MS-EAS-Provisioning-WBXML</PolicyType></Policy></Policies></Provision>',
  '<Provision xmlns="Provision"><Policies><Policy><PolicyType>MS-EAS-Provisioning-WBXML</PolicyType><PolicyKey>1</PolicyKey><Status>1</Status></Policy></Policies><RemoteWipe><Status>1</Status></RemoteWipe></Provision>',
  '<ResolveRecipients xmlns="ResolveRecipients"><To>ADDRESS</To><To>b</To><Options><CertificateRetrieval>2</CertificateRetrieval><MaxCertificates>3</MaxCertificates><MaxAmbiguousRecipients>3</MaxAmbiguousRecipients><Availability><StartTime>2026-11-22T08:00:00.000Z</StartTime><EndTime>2026-11-22T18:00:00.000Z</EndTime></Availability><Picture><MaxSize>100</MaxSize><MaxPictures>1</MaxPictures></Picture></Options></ResolveRecipients>',
  '<ValidateCert xmlns="ValidateCert"><CertificateChain><Certificate>AAAA</Certificate></CertificateChain><Certificates><Certificate>MIIBAA==</Certificate></Certificates><CheckCRL>1</CheckCRL></ValidateCert>',
  '<Find xmlns="Find" xmlns:a="AirSync"><SearchId>8a6f</SearchId><ExecuteSearch><MailBoxSearchCriterion><Query><a:Class>Email</a:Class><a:CollectionId>INBOX</a:CollectionId><FreeText>from:bob OR (subject:"x" AND NOT received>2026-01-01)</FreeText></Query><Options><Range>0-9</Range><DeepTraversal/></Options></MailBoxSearchCriterion></ExecuteSearch></Find>',
  '<Find xmlns="Find"><SearchId>8a6f</SearchId><ExecuteSearch><GalSearchCriterion><Query>ali</Query><Options><Range>0-9</Range><Picture><MaxSize>100</MaxSize><MaxPictures>1</MaxPictures></Picture></Options></GalSearchCriterion></ExecuteSearch></Find>',
];

const samples = new URL('../fixtures/eas/schemas/samples/request/', import.meta.url);
const sampled = readdirSync(samples).map((name) => readFileSync(new URL(name, samples), 'utf8'));

/** A message, as the commands that send take it below 14.0. */
export function messageFor(known: Known): string {
  return filledIn(mime, known).replaceAll('&#13;', '\r');
}

/** Requests for a command; of one that nobody has written any down for its root, or any if it takes no document. */
export function requestsFor(command: string, known: Known): readonly Element[] {
  const roots = [...requests, ...sampled].filter((xml) => new RegExp(`^<${command}[ >]`).test(xml));
  const found = roots.map((xml) => fromXml(filledIn(xml, known)));
  return found.length > 0 ? found : [el(tagNamed(command) ?? AirSync.Sync)];
}

function filledIn(xml: string, { folderKey, syncKey, inbox, item, address }: Known): string {
  return xml
    .replaceAll('FOLDERKEY', folderKey)
    .replaceAll('>KEY<', `>${syncKey}<`)
    .replaceAll('INBOX', inbox)
    .replaceAll('ITEM', item)
    .replaceAll('ADDRESS', address)
    .replaceAll('CLIENT', crypto.randomUUID());
}

function tagNamed(name: string): Tag | undefined {
  return codePages.flatMap((page) => Object.values(page)).find((tag) => tag.name === name);
}
