/**
 * `S/v`: which program wrote the rows, and the epoch of the store. The row is written while the store is being
 * opened, when nobody reads: the one row that is rewritten in place.
 */
import { key, systemPart } from '../keys.ts';
import { countCommits } from './commit-counter.ts';
import { StoreDamagedError, StoreVersionError } from './errors.ts';
import { type Level, levelKey } from './level.ts';

/** The version of the rows that this program writes, and the oldest that it reads. */
const schemaVersion = 1;
const oldestReadable = 1;

interface Schema {
  /** The version of the program that wrote last. */
  readonly written: number;
  /** The oldest program version that can read what is here. */
  readonly oldestReadable: number;
  /** Raised each time an operator accepts that commits are lost. */
  readonly epoch: number;
  /** The first commit whose number must be there. */
  readonly countedFrom: number;
}

const schemaKey = levelKey(systemPart(), key('v'));

function encode(schema: Schema): Buffer {
  // [seal 0: plain][codec 1][written u16][oldest readable u16][epoch u32][counted from u64]
  const row = Buffer.alloc(18);
  row[1] = 1;
  row.writeUInt16BE(schema.written, 2);
  row.writeUInt16BE(schema.oldestReadable, 4);
  row.writeUInt32BE(schema.epoch, 6);
  row.writeBigUInt64BE(BigInt(schema.countedFrom), 10);
  return row;
}

function decode(bytes: Uint8Array): Schema {
  const row = Buffer.from(bytes);
  if (row.length < 18 || row[0] !== 0 || row[1] !== 1) {
    throw new StoreVersionError('the version row of the store is not one that this program reads');
  }
  return {
    written: row.readUInt16BE(2),
    oldestReadable: row.readUInt16BE(4),
    epoch: row.readUInt32BE(6),
    countedFrom: Number(row.readBigUInt64BE(10)),
  };
}

/** What an opened database is: its epoch and last commit, once it is found whole and readable. */
interface CheckedStore {
  readonly epoch: number;
  readonly lastCommit: number;
}

/** Checks the version row and the commit counter of a database just opened; writes the row of a new one. */
export async function checkStore(level: Level, acceptLostCommits: boolean): Promise<CheckedStore> {
  const row = level.getSync(schemaKey);
  if (row === undefined) {
    return beginStore(level, acceptLostCommits);
  }
  const schema = decode(row);
  if (schema.oldestReadable > schemaVersion || schema.written < oldestReadable) {
    throw new StoreVersionError(
      `the store holds rows of version ${schema.written}, readable from version ${schema.oldestReadable} on; ` +
        `this program reads ${oldestReadable} to ${schemaVersion}: start it with the program that wrote it`,
    );
  }
  const { last, missing } = await countCommits(level, schema.countedFrom);
  if (missing === 0) {
    return { epoch: schema.epoch, lastCommit: last };
  }
  if (!acceptLostCommits) {
    throw new StoreDamagedError(
      `${missing} of the last commits are missing from the store: a part of its log was unreadable. ` +
        'Restore the latest backup, or accept the loss (serve --accept-lost-commits): every device then starts over',
    );
  }
  const accepted = { ...schema, epoch: schema.epoch + 1, countedFrom: last + 1 };
  await level.put(schemaKey, encode(accepted), { sync: true });
  return { epoch: accepted.epoch, lastCommit: last };
}

/** The first row of a new store; a database that has rows but no version is not new. */
async function beginStore(level: Level, acceptLostCommits: boolean): Promise<CheckedStore> {
  const iterator = level.keys({ limit: 1 });
  const [any] = await iterator.nextv(1).finally(() => iterator.close());
  if (any && !acceptLostCommits) {
    throw new StoreDamagedError(
      'the store has rows but no version row: its first commits were lost. Restore the latest backup, ' +
        'or accept the loss (serve --accept-lost-commits): every device then starts over',
    );
  }
  const { last } = await countCommits(level, 1);
  const epoch = any ? 1 : 0;
  const schema = { written: schemaVersion, oldestReadable, epoch, countedFrom: last + 1 };
  await level.put(schemaKey, encode(schema), { sync: true });
  return { epoch, lastCommit: last };
}
