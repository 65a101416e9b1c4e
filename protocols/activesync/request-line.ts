import type { DeviceId } from '#domain/ids';
import { type ProtocolVersion, protocolVersions } from './protocol-version.ts';
import { CommonStatus } from './status.ts';

/** What the query and the headers of a POST say (MS-ASHTTP, Request). */
export interface RequestLine {
  /** In the specification's spelling if we know it, else as the client wrote it; of an unknown code its decimal. */
  readonly command: string;
  /** MS-ASHTTP, Command Codes; undefined for a name without one. */
  readonly commandCode: number | undefined;
  /** What the query says, for the log only: the Authorization header tells who it is. */
  readonly user: string | undefined;
  /** In lower case: clients change its case. */
  readonly deviceId: DeviceId;
  readonly deviceType: string;
  readonly protocolVersion: ProtocolVersion;
  /** False: the client sent no version, and 2.5 is served (some leave it out of a Ping). */
  readonly isVersionStated: boolean;
  /** Unsigned 32 bit; undefined when the client sent none, 0 for what is no such number. */
  readonly policyKey: number | undefined;
  /** Accept-Language as sent, or the LCID of a base64 query as four hex digits with 0x. */
  readonly locale: string | undefined;
  /** Whether ItemOperations answers in parts. */
  readonly acceptMultiPart: boolean;
  /** SendMail, SmartReply, SmartForward below 14.0: keep a copy in Sent Items. */
  readonly saveInSent: boolean;
  readonly attachmentName: string | undefined;
  readonly collectionId: string | undefined;
  /** CreateCollection, MoveCollection: a folder's name, and the one it is to stand in. */
  readonly collectionName: string | undefined;
  readonly parentId: string | undefined;
  readonly itemId: string | undefined;
  readonly longId: string | undefined;
  readonly occurrence: string | undefined;
}

/** Node's headers: names in lower case. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** MS-ASHTTP, Command Codes; GetHierarchy and the Collection commands have none that is documented. */
export const commandCodes: Readonly<Record<string, number>> = {
  Sync: 0,
  SendMail: 1,
  SmartForward: 2,
  SmartReply: 3,
  GetAttachment: 4,
  FolderSync: 9,
  FolderCreate: 10,
  FolderDelete: 11,
  FolderUpdate: 12,
  MoveItems: 13,
  GetItemEstimate: 14,
  MeetingResponse: 15,
  Search: 16,
  Settings: 17,
  Ping: 18,
  ItemOperations: 19,
  Provision: 20,
  ResolveRecipients: 21,
  ValidateCert: 22,
  Find: 23,
};

const commandNames = [
  ...Object.keys(commandCodes),
  'GetHierarchy',
  'CreateCollection',
  'DeleteCollection',
  'MoveCollection',
];
const nameByLowerCase = new Map(commandNames.map((name) => [name.toLowerCase(), name]));
const nameByCode = new Map(Object.entries(commandCodes).map(([name, code]) => [code, name]));

/** The query and headers cannot be taken; `status` says why, `httpStatus` is its form below 14.0. */
export class RequestLineError extends Error {
  override readonly name = 'RequestLineError';
  readonly status: CommonStatus;
  readonly httpStatus: number;
  /** As far as they were understood, for an answer in the command's own root from 14.0 on. */
  readonly command: string | undefined;
  readonly protocolVersion: ProtocolVersion | undefined;

  constructor(
    status: CommonStatus,
    message: string,
    known: { command?: string; protocolVersion?: ProtocolVersion; httpStatus?: number } = {},
  ) {
    super(message);
    this.status = status;
    this.httpStatus = known.httpStatus ?? 400;
    this.command = known.command;
    this.protocolVersion = known.protocolVersion;
  }
}

/**
 * Reads the query of a POST, plain or base64 (MS-ASHTTP, Request-URI), and the headers that belong to it.
 * Takes the request's URL as sent, and Node's headers. A plain query without version header counts as 2.5.
 * Throws `RequestLineError`: 103 undecodable, 108 DeviceId, 109 DeviceType, 138 version.
 */
export function readRequestLine(url: string, headers: Headers): RequestLine {
  const start = url.indexOf('?');
  const query = start < 0 ? '' : url.slice(start + 1);
  return /(^|&)cmd=/i.test(query) ? readPlainQuery(query, headers) : readBase64Query(query, headers);
}

function readPlainQuery(query: string, headers: Headers): RequestLine {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
  }
  const sent = parameters.get('cmd') ?? '';
  if (sent === '') throw new RequestLineError(CommonStatus.InvalidXML, 'The query names no command.');
  const command = nameByLowerCase.get(sent.toLowerCase()) ?? sent;
  const stated = header(headers, 'ms-asprotocolversion');
  const protocolVersion = versionOf(stated ?? '2.5', command);
  const known = { command, protocolVersion };
  return {
    ...known,
    isVersionStated: stated !== undefined,
    commandCode: codeOf(command),
    user: parameters.get('user'),
    deviceId: deviceIdOf(parameters.get('deviceid') ?? '', known),
    deviceType: deviceTypeOf(parameters.get('devicetype') ?? '', known),
    policyKey: policyKeyHeader(headers),
    locale: header(headers, 'accept-language'),
    acceptMultiPart: header(headers, 'ms-asacceptmultipart')?.toUpperCase() === 'T',
    saveInSent: parameters.get('saveinsent')?.toUpperCase() === 'T',
    attachmentName: parameters.get('attachmentname'),
    collectionId: parameters.get('collectionid'),
    collectionName: parameters.get('collectionname'),
    parentId: parameters.get('parentid'),
    itemId: parameters.get('itemid'),
    longId: parameters.get('longid'),
    occurrence: parameters.get('occurrence'),
  };
}

/** MS-ASHTTP, Command Parameters: the tags of a base64 query. 2 (CollectionName) and 5 (ParentId) are of 2.0. */
const Parameter = {
  AttachmentName: 0,
  CollectionId: 1,
  ItemId: 3,
  LongId: 4,
  Occurrence: 6,
  Options: 7,
  User: 8,
} as const;

const SAVE_IN_SENT = 0x01;
const ACCEPT_MULTI_PART = 0x02;

function readBase64Query(query: string, headers: Headers): RequestLine {
  const reader = new QueryReader(base64BytesOf(query));
  const versionByte = reader.byte();
  const commandCode = reader.byte();
  const command = nameByCode.get(commandCode) ?? String(commandCode);
  const protocolVersion = versionOf((versionByte / 10).toFixed(1), command);
  const known = { command, protocolVersion };
  if (versionByte < 121) throw unknownVersion(protocolVersion, command);
  const locale = reader.byte() | (reader.byte() << 8);
  const deviceId = deviceIdOf(deviceIdText(reader.block()), known);
  const policyKey = policyKeyOf(reader.block()) ?? policyKeyHeader(headers);
  const deviceType = deviceTypeOf(reader.block().toString('latin1'), known);
  const parameters = new Map<number, Buffer>();
  while (!reader.isAtEnd()) parameters.set(reader.byte(), reader.block());
  const options = parameters.get(Parameter.Options)?.[0];
  const textOf = (tag: number) => parameters.get(tag)?.toString('utf8');
  return {
    ...known,
    isVersionStated: true,
    commandCode,
    user: textOf(Parameter.User),
    deviceId,
    deviceType,
    policyKey,
    locale: `0x${locale.toString(16).padStart(4, '0')}`,
    acceptMultiPart:
      options === undefined
        ? header(headers, 'ms-asacceptmultipart')?.toUpperCase() === 'T'
        : (options & ACCEPT_MULTI_PART) !== 0,
    saveInSent: options !== undefined && (options & SAVE_IN_SENT) !== 0,
    attachmentName: textOf(Parameter.AttachmentName),
    collectionId: textOf(Parameter.CollectionId),
    // Their commands have no code that a base64 query could hold.
    collectionName: undefined,
    parentId: undefined,
    itemId: textOf(Parameter.ItemId),
    longId: textOf(Parameter.LongId),
    occurrence: textOf(Parameter.Occurrence),
  };
}

/** The bytes of a base64 query: percent-encoded or not, padded or not. */
function base64BytesOf(query: string): Buffer {
  const base64 = query.replace(/%([0-9a-f]{2})/gi, (_match, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw undecodable('neither a plain nor a base64 query');
  return Buffer.from(base64, 'base64');
}

class QueryReader {
  private readonly bytes: Buffer;
  private position = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  isAtEnd(): boolean {
    return this.position === this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) throw undecodable('cut short');
    this.position++;
    return byte;
  }

  /** A length in one byte, and as many bytes. */
  block(): Buffer {
    const length = this.byte();
    const block = this.bytes.subarray(this.position, this.position + length);
    if (block.length < length) throw undecodable('cut short');
    this.position += length;
    return block;
  }
}

function undecodable(reason: string): RequestLineError {
  return new RequestLineError(CommonStatus.InvalidXML, `The query cannot be decoded: ${reason}.`);
}

function codeOf(command: string): number | undefined {
  return Object.hasOwn(commandCodes, command) ? commandCodes[command] : undefined;
}

function versionOf(text: string, command: string): ProtocolVersion {
  const version = protocolVersions.find((known) => known === text.trim());
  if (version === undefined) throw unknownVersion(text.trim(), command);
  return version;
}

/** MS-ASCMD, Common Status Codes: 138 is 400 below 14.0, 505 for version 1.0. */
function unknownVersion(version: string, command: string): RequestLineError {
  const httpStatus = version === '1.0' ? 505 : 400;
  const message = `Protocol version ${JSON.stringify(version.slice(0, 20))} is not supported.`;
  return new RequestLineError(CommonStatus.VersionNotSupported, message, { command, httpStatus });
}

/** Letters, digits and what GUIDs and old clients put between them; no commas, no separators of ours. */
const DEVICE_ID = /^[a-z0-9._{}-]{1,64}$/i;

function deviceIdOf(text: string, known: { command: string; protocolVersion: ProtocolVersion }): DeviceId {
  if (DEVICE_ID.test(text)) return text.toLowerCase() as DeviceId;
  const fault = text === '' ? 'missing' : 'malformed';
  throw new RequestLineError(CommonStatus.DeviceIdMissingOrInvalid, `The DeviceId is ${fault}.`, known);
}

/** The device id of a base64 query: text, or the 16 bytes of a GUID, then in hex. */
function deviceIdText(bytes: Buffer): string {
  const printed = bytes.toString('latin1');
  return bytes.length === 16 && !DEVICE_ID.test(printed) ? bytes.toString('hex') : printed;
}

function deviceTypeOf(text: string, known: { command: string; protocolVersion: ProtocolVersion }): string {
  if (/^[ -~]{1,64}$/.test(text)) return text;
  const fault = text === '' ? 'missing' : 'malformed';
  throw new RequestLineError(CommonStatus.DeviceTypeMissingOrInvalid, `The DeviceType is ${fault}.`, known);
}

function policyKeyHeader(headers: Headers): number | undefined {
  const sent = header(headers, 'x-ms-policykey')?.trim();
  if (sent === undefined || sent === '') return undefined;
  const key = /^\d{1,10}$/.test(sent) ? Number(sent) : 0;
  return key <= 0xffffffff ? key : 0;
}

function policyKeyOf(block: Buffer): number | undefined {
  if (block.length === 0) return undefined;
  if (block.length !== 4) throw undecodable('a policy key that is not 4 bytes long');
  return block.readUInt32LE();
}

function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}
