import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import type { OrganizationId } from '#domain/ids';
import { SealError } from './seal-error.ts';
import type { Bytes, Part } from './store.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const WRAPPED_VERSION = 1;
const FIRST_EPOCH = 1;
const LAST_EPOCH = 0xffff;
const NAME_BYTES = 16;
const DEFAULT_DERIVED_KEYS = 20_000;

/** Wrapped key: [version u8][epoch u16][nonce 12][ciphertext 32][tag 16]. */
const WRAPPED_HEADER = 3;
const WRAPPED_BYTES = WRAPPED_HEADER + NONCE_BYTES + KEY_BYTES + TAG_BYTES;

/** A key for new writes and the epoch of the data key it comes from. */
interface EpochKey {
  readonly epoch: number;
  readonly key: KeyObject;
}

/** The data keys of one owner; replaced, never changed, so that what was derived from it is known by identity. */
interface DataKeys {
  readonly owner: OrganizationId | undefined;
  readonly epochs: ReadonlyMap<number, KeyObject>;
  readonly current: number;
  readonly names: KeyObject | undefined;
}

/** Names whose keys are kept ready. */
const NAME_KEYS = 4_096;

interface DerivedKeys {
  readonly from: DataKeys;
  readonly current: EpochKey;
}

interface KeyRingOptions {
  /** How many partitions' derived keys are kept ready. */
  readonly derivedKeys?: number;
}

/**
 * The data keys in use: one per organisation and epoch, and one for the installation (partitions `S` and `Q`), which
 * is written `undefined` as in `Part`. They rest wrapped by the master key; destroying an owner's wrapped keys
 * shreds its data (storage design, section 7).
 */
export class KeyRing {
  readonly #master: KeyObject;
  readonly #owners = new Map<OrganizationId | undefined, DataKeys>();
  readonly #derived = new Map<string, DerivedKeys>();
  readonly #derivedLimit: number;
  /** What stands for the names that were asked for last. */
  readonly #nameKeys = new Map<string, { readonly from: KeyObject; readonly key: Bytes }>();

  constructor(master: KeyObject, options: KeyRingOptions = {}) {
    this.#master = master;
    this.#derivedLimit = options.derivedKeys ?? DEFAULT_DERIVED_KEYS;
  }

  /**
   * Makes a new data key, of the epoch after the newest one in the ring, and gives it wrapped, to be stored and then
   * handed to `add`; the ring itself is unchanged.
   */
  create(organization: OrganizationId | undefined): Bytes {
    const epoch = (this.#owners.get(organization)?.current ?? FIRST_EPOCH - 1) + 1;
    if (epoch > LAST_EPOCH) throw new RangeError('all 65,535 key epochs are used up');
    const wrapped = Buffer.allocUnsafe(WRAPPED_BYTES);
    wrapped[0] = WRAPPED_VERSION;
    wrapped.writeUInt16BE(epoch, 1);
    const nonce = randomBytes(NONCE_BYTES);
    nonce.copy(wrapped, WRAPPED_HEADER);
    const cipher = createCipheriv('aes-256-gcm', this.#master, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(wrapContext(organization, epoch));
    const dataKey = randomBytes(KEY_BYTES);
    wrapped.set(cipher.update(dataKey), WRAPPED_HEADER + NONCE_BYTES);
    cipher.final();
    wrapped.set(cipher.getAuthTag(), WRAPPED_BYTES - TAG_BYTES);
    dataKey.fill(0);
    return wrapped;
  }

  /** Takes a wrapped key into use. Throws SealError: `not-authentic` for another master key or another owner. */
  add(organization: OrganizationId | undefined, wrapped: Bytes): void {
    const { epoch, key } = this.#unwrap(organization, wrapped);
    const known = this.#owners.get(organization);
    const epochs = new Map(known?.epochs).set(epoch, key);
    const first = epochs.get(FIRST_EPOCH);
    this.#owners.set(organization, {
      owner: organization,
      epochs,
      current: Math.max(...epochs.keys()),
      // Names in keys are looked up by their bytes, so their key outlives every rotation: always the first epoch's.
      names: first === undefined ? undefined : derive(first, 'name'),
    });
  }

  /** Drops every key of this owner, and all that was derived from them. */
  forget(organization: OrganizationId | undefined): void {
    this.#owners.delete(organization);
    for (const [partition, { from }] of this.#derived) {
      if (from.owner === organization) this.#derived.delete(partition);
    }
  }

  /** Whether the ring has keys of this owner. */
  has(organization: OrganizationId | undefined): boolean {
    return this.#owners.has(organization);
  }

  /** The key that seals new values in a partition. Throws SealError `unknown-key`. */
  valueKey(part: Part): EpochKey {
    const keys = this.#keysOf(part.organization);
    const known = this.#derived.get(part.name);
    if (known?.from === keys) {
      // A Map keeps the order of insertion: the first entry is the one unused for longest.
      this.#derived.delete(part.name);
      this.#derived.set(part.name, known);
      return known.current;
    }
    const current = { epoch: keys.current, key: valueKeyFrom(keys, keys.current, part) };
    this.#derived.delete(part.name);
    this.#derived.set(part.name, { from: keys, current });
    this.#trim();
    return current;
  }

  /** The key that opens a value of this epoch in a partition. Throws SealError `unknown-key`. */
  valueKeyOfEpoch(part: Part, epoch: number): KeyObject {
    const current = this.valueKey(part);
    return current.epoch === epoch ? current.key : valueKeyFrom(this.#keysOf(part.organization), epoch, part);
  }

  /** The epoch of new blobs. Throws SealError `unknown-key`. */
  currentEpoch(organization: OrganizationId | undefined): number {
    return this.#keysOf(organization).current;
  }

  /** The key of one blob file, from the salt in its header and its id. Throws SealError `unknown-key`. */
  blobKey(organization: OrganizationId, epoch: number, salt: Bytes, id: Bytes): KeyObject {
    return derive(dataKey(this.#keysOf(organization), epoch), 'blob', id, salt);
  }

  /**
   * What stands for a name in keys: the HMAC of its canonical form (see the directory's canonical-name.ts).
   * 16 bytes: without the key nobody can search for two names that meet, and by chance a thousand million names
   * meet with probability 10^-21; 32 would only lengthen the keys. Throws SealError `unknown-key`.
   */
  nameKey(organization: OrganizationId | undefined, canonicalName: string): Bytes {
    const { names } = this.#keysOf(organization);
    if (names === undefined) throw unknownKey(organization, FIRST_EPOCH);
    const id = `${organization ?? ''} ${canonicalName}`;
    const known = this.#nameKeys.get(id);
    if (known?.from === names) return known.key;
    const key = createHmac('sha256', names).update(canonicalName, 'utf8').digest().subarray(0, NAME_BYTES);
    // All at once is plain, and costs each name no more than once in so many.
    if (this.#nameKeys.size >= NAME_KEYS) this.#nameKeys.clear();
    this.#nameKeys.set(id, { from: names, key });
    return key;
  }

  #unwrap(organization: OrganizationId | undefined, wrapped: Bytes): EpochKey {
    const bytes = Buffer.from(wrapped);
    if (bytes.length !== WRAPPED_BYTES || bytes[0] !== WRAPPED_VERSION) {
      throw new SealError('malformed', 'these bytes are not a wrapped data key');
    }
    const epoch = bytes.readUInt16BE(1);
    const sealedAt = WRAPPED_HEADER + NONCE_BYTES;
    const nonce = bytes.subarray(WRAPPED_HEADER, sealedAt);
    const decipher = createDecipheriv('aes-256-gcm', this.#master, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(wrapContext(organization, epoch));
    decipher.setAuthTag(bytes.subarray(WRAPPED_BYTES - TAG_BYTES));
    const opened = decipher.update(bytes.subarray(sealedAt, WRAPPED_BYTES - TAG_BYTES));
    try {
      decipher.final();
    } catch (cause) {
      throw new SealError('not-authentic', `the data key of ${nameOf(organization)} does not open`, {
        cause,
      });
    }
    const key = createSecretKey(opened);
    opened.fill(0);
    return { epoch, key };
  }

  #keysOf(organization: OrganizationId | undefined): DataKeys {
    const keys = this.#owners.get(organization);
    if (keys === undefined) throw unknownKey(organization);
    return keys;
  }

  #trim(): void {
    for (const partition of this.#derived.keys()) {
      if (this.#derived.size <= this.#derivedLimit) return;
      this.#derived.delete(partition);
    }
  }
}

function dataKey(keys: DataKeys, epoch: number): KeyObject {
  const key = keys.epochs.get(epoch);
  if (key === undefined) throw unknownKey(keys.owner, epoch);
  return key;
}

function valueKeyFrom(keys: DataKeys, epoch: number, part: Part): KeyObject {
  return derive(dataKey(keys, epoch), 'value', part.bytes);
}

/** HKDF-SHA-256 (RFC 5869): the purpose, and what the key is for, are its `info`. */
function derive(
  key: KeyObject,
  purpose: 'value' | 'name' | 'blob',
  context: Bytes = Buffer.alloc(0),
  salt: Bytes = Buffer.alloc(0),
): KeyObject {
  const info = Buffer.concat([Buffer.from(`mailstead ${purpose}\0`), context]);
  return createSecretKey(Buffer.from(hkdfSync('sha256', key, salt, info, KEY_BYTES)));
}

function wrapContext(organization: OrganizationId | undefined, epoch: number): Bytes {
  return Buffer.from(`mailstead data key\0${organization ?? ''}\0${epoch}`);
}

function unknownKey(organization: OrganizationId | undefined, epoch?: number): SealError {
  const which = epoch === undefined ? 'no data key' : `no data key of epoch ${epoch}`;
  return new SealError('unknown-key', `${which} for ${nameOf(organization)}`);
}

function nameOf(organization: OrganizationId | undefined): string {
  return organization ?? 'the installation';
}
