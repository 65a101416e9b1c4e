import { describe, expect, it } from 'vitest';
import { commandCodes, RequestLineError, readRequestLine } from './request-line.ts';
import { CommonStatus } from './status.ts';

const PATH = '/Microsoft-Server-ActiveSync?';
const nothing = {
  isVersionStated: true,
  user: undefined,
  policyKey: undefined,
  locale: undefined,
  acceptMultiPart: false,
  saveInSent: false,
  attachmentName: undefined,
  collectionId: undefined,
  collectionName: undefined,
  parentId: undefined,
  itemId: undefined,
  longId: undefined,
  occurrence: undefined,
};

function plain(query: string, headers: Record<string, string> = { 'ms-asprotocolversion': '14.1' }) {
  return readRequestLine(PATH + query, headers);
}

/** A base64 query of these bytes; a string counts with its length before it. */
function encoded(...parts: (number | string | Buffer)[]): string {
  const bytes = parts.map((part) => {
    if (typeof part === 'number') return Buffer.of(part);
    return Buffer.concat([
      Buffer.of(part.length),
      typeof part === 'string' ? Buffer.from(part, 'latin1') : part,
    ]);
  });
  return PATH + Buffer.concat(bytes).toString('base64');
}

function errorOf(url: string, headers: Record<string, string> = {}): RequestLineError {
  try {
    readRequestLine(url, headers);
  } catch (error) {
    if (error instanceof RequestLineError) return error;
    throw error;
  }
  throw new Error(`taken: ${url}`);
}

describe('a plain query', () => {
  it('is read with its headers', () => {
    const headers = {
      'ms-asprotocolversion': '14.1',
      'x-ms-policykey': '4294967295',
      'ms-asacceptmultipart': 'T',
      'accept-language': 'de-DE',
    };
    expect(
      plain('Cmd=ItemOperations&User=alice%40example.com&DeviceId=ABC123&DeviceType=iPhone', headers),
    ).toEqual({
      ...nothing,
      command: 'ItemOperations',
      commandCode: 19,
      user: 'alice@example.com',
      deviceId: 'abc123',
      deviceType: 'iPhone',
      protocolVersion: '14.1',
      policyKey: 4294967295,
      locale: 'de-DE',
      acceptMultiPart: true,
    });
  });

  it('takes names in any case and order, and the first of two', () => {
    const line = plain('devicetype=iPad&DEVICEID=a&cMd=foldersync&DeviceId=b');
    expect([line.command, line.commandCode, line.deviceId, line.deviceType]).toEqual([
      'FolderSync',
      9,
      'a',
      'iPad',
    ]);
  });

  it('reads what belongs to SmartReply and GetAttachment', () => {
    const query =
      'Cmd=SmartReply&DeviceId=a&DeviceType=b&CollectionId=5&ItemId=5%3A12&LongId=L&Occurrence=o&SaveInSent=T';
    expect(plain(`${query}&AttachmentName=a%2Fb`)).toMatchObject({
      collectionId: '5',
      itemId: '5:12',
      longId: 'L',
      occurrence: 'o',
      saveInSent: true,
      attachmentName: 'a/b',
    });
    expect(plain('Cmd=SendMail&DeviceId=a&DeviceType=b&SaveInSent=F').saveInSent).toBe(false);
  });

  it('keeps the name of a command nobody knows, and one without a code', () => {
    expect(plain('Cmd=Teleport&DeviceId=a&DeviceType=b')).toMatchObject({
      command: 'Teleport',
      commandCode: undefined,
    });
    expect(plain('Cmd=gethierarchy&DeviceId=a&DeviceType=b').command).toBe('GetHierarchy');
    expect(plain('Cmd=constructor&DeviceId=a&DeviceType=b').commandCode).toBeUndefined();
  });

  it('without a version header counts as 2.5', () => {
    expect(plain('Cmd=Ping&DeviceId=a&DeviceType=b', {}).protocolVersion).toBe('2.5');
  });

  it.each([
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    ['3942919513', 3942919513],
    ['4294967296', 0],
    ['-1', 0],
    ['key', 0],
  ])('policy key header %j is read as %j', (sent, key) => {
    const headers: Record<string, string> = sent === undefined ? {} : { 'x-ms-policykey': sent };
    expect(plain('Cmd=Sync&DeviceId=a&DeviceType=b', headers).policyKey).toBe(key);
  });

  it.each([
    ['Cmd=Sync&DeviceType=b', CommonStatus.DeviceIdMissingOrInvalid],
    ['Cmd=Sync&DeviceId=&DeviceType=b', CommonStatus.DeviceIdMissingOrInvalid],
    ['Cmd=Sync&DeviceId=a,b&DeviceType=b', CommonStatus.DeviceIdMissingOrInvalid],
    ['Cmd=Sync&DeviceId=a%00&DeviceType=b', CommonStatus.DeviceIdMissingOrInvalid],
    // The Kelvin sign, whose lower case is a k.
    ['Cmd=Sync&DeviceId=a%E2%84%AA&DeviceType=b', CommonStatus.DeviceIdMissingOrInvalid],
    [`Cmd=Sync&DeviceId=${'a'.repeat(65)}&DeviceType=b`, CommonStatus.DeviceIdMissingOrInvalid],
    ['Cmd=Sync&DeviceId=a', CommonStatus.DeviceTypeMissingOrInvalid],
    ['Cmd=Sync&DeviceId=a&DeviceType=%07', CommonStatus.DeviceTypeMissingOrInvalid],
    ['Cmd=&DeviceId=a&DeviceType=b', CommonStatus.InvalidXML],
  ])('%s is refused with %i, HTTP 400', (query, status) => {
    const error = errorOf(PATH + query, { 'ms-asprotocolversion': '14.1' });
    expect([error.status, error.httpStatus]).toEqual([status, 400]);
  });

  it('with another version is refused with 138: HTTP 400, and 505 for 1.0', () => {
    const query = `${PATH}Cmd=Sync&DeviceId=a&DeviceType=b`;
    expect(errorOf(query, { 'ms-asprotocolversion': '17.0' })).toMatchObject({
      status: CommonStatus.VersionNotSupported,
      httpStatus: 400,
      command: 'Sync',
      protocolVersion: undefined,
    });
    expect(errorOf(query, { 'ms-asprotocolversion': '1.0' }).httpStatus).toBe(505);
  });
});

describe('a base64 query', () => {
  it('is read: the worked example', () => {
    expect(readRequestLine(`${PATH}jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l`, {})).toEqual({
      ...nothing,
      command: 'Sync',
      commandCode: 0,
      deviceId: 'v140device',
      deviceType: 'SmartPhone',
      protocolVersion: '14.0',
      locale: '0x0409',
    });
  });

  it('has a policy key, parameters and options; unknown tags are passed over', () => {
    const key = Buffer.from([0x01, 0x02, 0x03, 0xff]);
    const start = [161, 2, 0x07, 0x04, 'dev', key, 'iPhone'] as const;
    const url = encoded(
      ...start,
      1,
      '5',
      3,
      '5:1',
      4,
      'long',
      6,
      'occ',
      0,
      'att',
      99,
      'new',
      2,
      'old',
      7,
      '\x03',
      8,
      'é',
    );
    expect(readRequestLine(url, {})).toEqual({
      command: 'SmartForward',
      commandCode: 2,
      user: '\ufffd',
      deviceId: 'dev',
      deviceType: 'iPhone',
      protocolVersion: '16.1',
      isVersionStated: true,
      policyKey: 0xff030201,
      locale: '0x0407',
      acceptMultiPart: true,
      saveInSent: true,
      attachmentName: 'att',
      collectionId: '5',
      itemId: '5:1',
      longId: 'long',
      occurrence: 'occ',
    });
  });

  it('wins over the headers, which fill in what it leaves out', () => {
    const headers = { 'ms-asprotocolversion': '12.1', 'x-ms-policykey': '7', 'ms-asacceptmultipart': 'T' };
    const key = Buffer.from([1, 0, 0, 0]);
    expect(readRequestLine(encoded(141, 19, 9, 4, 'd', key, 't', 7, '\x01'), headers)).toMatchObject({
      protocolVersion: '14.1',
      policyKey: 1,
      acceptMultiPart: false,
    });
    expect(readRequestLine(encoded(141, 19, 9, 4, 'd', 0, 't'), headers)).toMatchObject({
      policyKey: 7,
      acceptMultiPart: true,
    });
  });

  it('may lack its padding, and may be percent-encoded', () => {
    const fine = encoded(141, 0, 9, 4, 'dev1', 0, 'ty?>?>?~', 1, '?>?');
    const expected = readRequestLine(fine, {});
    expect(readRequestLine(fine.replace(/=+$/, ''), {})).toEqual(expected);
    expect(readRequestLine(PATH + encodeURIComponent(fine.slice(PATH.length)), {})).toEqual(expected);
  });

  it('takes a GUID of 16 bytes as device id, in hex', () => {
    const guid = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    expect(readRequestLine(encoded(141, 0, 9, 4, guid, 0, 't'), {}).deviceId).toBe(
      '00112233445566778899aabbccddeeff',
    );
    expect(readRequestLine(encoded(141, 0, 9, 4, 'ABCDEFGHIJKLMNOP', 0, 't'), {}).deviceId).toBe(
      'abcdefghijklmnop',
    );
    expect(errorOf(encoded(141, 0, 9, 4, guid.subarray(1), 0, 't')).status).toBe(
      CommonStatus.DeviceIdMissingOrInvalid,
    );
  });

  it('names every command by its code, and an unknown code by its number', () => {
    for (const [name, code] of Object.entries(commandCodes)) {
      expect(readRequestLine(encoded(141, code, 9, 4, 'd', 0, 't'), {}).command).toBe(name);
    }
    expect(readRequestLine(encoded(141, 5, 9, 4, 'd', 0, 't'), {}).command).toBe('5');
  });

  it.each([
    ['an empty query', PATH, CommonStatus.InvalidXML],
    ['no query', PATH.slice(0, -1), CommonStatus.InvalidXML],
    ['a query without Cmd', `${PATH}DeviceId=a&DeviceType=b`, CommonStatus.InvalidXML],
    ['a policy key of 3 bytes', encoded(141, 0, 9, 4, 'd', 'abc', 't'), CommonStatus.InvalidXML],
    ['no device id', encoded(141, 0, 9, 4, 0, 0, 't'), CommonStatus.DeviceIdMissingOrInvalid],
    ['no device type', encoded(141, 0, 9, 4, 'd', 0, 0), CommonStatus.DeviceTypeMissingOrInvalid],
    ['version 15.0', encoded(150, 0, 9, 4, 'd', 0, 't'), CommonStatus.VersionNotSupported],
    [
      'version 12.0, which has no base64 query',
      encoded(120, 0, 9, 4, 'd', 0, 't'),
      CommonStatus.VersionNotSupported,
    ],
    [
      'version 2.5, which has no base64 query',
      encoded(25, 0, 9, 4, 'd', 0, 't'),
      CommonStatus.VersionNotSupported,
    ],
  ])('%s is refused', (_fault, url, status) => {
    expect(errorOf(url).status).toBe(status);
  });

  it('cut short anywhere is refused, or is the shorter query', () => {
    const url = encoded(141, 2, 9, 4, 'dev', Buffer.alloc(4, 1), 'type', 1, '5', 3, '5:1', 7, '\x01');
    const bytes = Buffer.from(url.slice(PATH.length), 'base64');
    const taken: number[] = [];
    for (let length = 0; length < bytes.length; length++) {
      const cut = PATH + bytes.subarray(0, length).toString('base64');
      try {
        readRequestLine(cut, {});
        taken.push(length);
      } catch (error) {
        expect(error).toBeInstanceOf(RequestLineError);
      }
    }
    // Only at the end of the device type and of each parameter.
    expect(taken).toEqual([18, 21, 26]);
  });

  it('of random bytes is refused with a typed error or read, never anything else', () => {
    let state = 1;
    const next = () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 16;
    };
    for (let round = 0; round < 5000; round++) {
      const bytes = Buffer.from(Array.from({ length: next() % 60 }, () => next() & 0xff));
      if (bytes.length > 0 && round % 2 === 0) bytes[0] = 141;
      const query = round % 3 === 0 ? bytes.toString('latin1') : bytes.toString('base64');
      try {
        readRequestLine(PATH + query, {});
      } catch (error) {
        expect(error).toBeInstanceOf(RequestLineError);
      }
    }
  });
});
