/** MS-OXOCAL, PidLidGlobalObjectId: by which meetings are known below 16.0. */

/** What every such id begins with. */
const beginning = Buffer.from('040000008200e00074c5b7101a82e008', 'hex');
/** In front of a UID that another program made. */
const foreign = Buffer.from('7643616c2d55696401000000', 'hex');
const dateAt = 16;
const headerBytes = 40;

/** The GlobalObjId of a UID, in base64; `instanceMs` is the original start of the one instance that is meant. */
export function globalObjectId(uid: string, instanceMs: number | undefined): string {
  const blob = ownBlob(uid) ?? foreignBlob(uid);
  const date = instanceMs === undefined ? undefined : new Date(instanceMs);
  blob.writeUInt16BE(date?.getUTCFullYear() ?? 0, dateAt);
  blob.writeUInt8(date === undefined ? 0 : date.getUTCMonth() + 1, dateAt + 2);
  blob.writeUInt8(date?.getUTCDate() ?? 0, dateAt + 3);
  return blob.toString('base64');
}

/** The UID that Outlook makes is such an id itself, in hexadecimal digits. */
function ownBlob(uid: string): Buffer | undefined {
  const isHex = /^(?:[0-9a-f]{2})+$/i.test(uid) && uid.length >= 2 * headerBytes;
  const blob = isHex ? Buffer.from(uid, 'hex') : undefined;
  return blob?.subarray(0, beginning.length).equals(beginning) === true ? blob : undefined;
}

function foreignBlob(uid: string): Buffer {
  const data = Buffer.concat([foreign, Buffer.from(uid, 'utf8'), Buffer.of(0)]);
  const header = Buffer.alloc(headerBytes);
  beginning.copy(header);
  header.writeUInt32LE(data.length, headerBytes - 4);
  return Buffer.concat([header, data]);
}
