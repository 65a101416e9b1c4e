import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import type { KeyRing } from './key-ring.ts';
import { SealError } from './seal-error.ts';
import type { Bytes, Part } from './store.ts';

const PLAIN = 0;
const AES_256_GCM = 1;
const HEADER_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BODY_AT = HEADER_BYTES + NONCE_BYTES;
const PLAIN_BODY_AT = 2;

/** A value's body and the codec version it was written by. */
export interface Opened {
  readonly codec: number;
  readonly body: Bytes;
}

/**
 * Seals values so that a row cannot be read, changed, moved or read by the wrong codec (storage design, section 7):
 * `[seal u8][codec u8][epoch u16][nonce 12][ciphertext][tag 16]`, AES-256-GCM, with partition, key and the first four
 * bytes authenticated.
 *
 * Nonces are random: NIST SP 800-38D, 8.3, allows 2^32 values a key, which is per partition and epoch here.
 */
export class Sealer {
  readonly #keys: KeyRing;

  constructor(keys: KeyRing) {
    this.#keys = keys;
  }

  /** The value to store at `key` of `part`: 32 bytes longer than the body. Throws SealError `unknown-key`. */
  seal(part: Part, key: Bytes, codec: number, body: Bytes): Bytes {
    const { epoch, key: secret } = this.#keys.valueKey(part);
    const value = Buffer.allocUnsafe(BODY_AT + body.length + TAG_BYTES);
    value[0] = AES_256_GCM;
    value[1] = codec;
    value.writeUInt16BE(epoch, 2);
    const nonce = value.subarray(HEADER_BYTES, BODY_AT);
    fillNonce(nonce);
    const cipher = createCipheriv('aes-256-gcm', secret, nonce);
    cipher.setAAD(context(part, key, value));
    value.set(cipher.update(body), BODY_AT);
    cipher.final();
    value.set(cipher.getAuthTag(), BODY_AT + body.length);
    return value;
  }

  /**
   * Opens what `seal` made for the same place. Throws SealError: `not-authentic` for a changed or moved row,
   * `malformed` for a plain one (a sealed row cannot be replaced by a plain one), `unknown-key`.
   */
  open(part: Part, key: Bytes, value: Bytes): Opened {
    const [seal, codec] = value;
    if (seal !== AES_256_GCM || codec === undefined || value.length < BODY_AT + TAG_BYTES) {
      throw new SealError('malformed', 'these bytes are not a sealed value');
    }
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const secret = this.#keys.valueKeyOfEpoch(part, bytes.readUInt16BE(2));
    const tagAt = bytes.length - TAG_BYTES;
    const nonce = bytes.subarray(HEADER_BYTES, BODY_AT);
    const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(context(part, key, value));
    decipher.setAuthTag(bytes.subarray(tagAt));
    const body = decipher.update(bytes.subarray(BODY_AT, tagAt));
    try {
      decipher.final();
    } catch (cause) {
      throw new SealError('not-authentic', 'a sealed value was changed or belongs to another row', { cause });
    }
    return { codec, body };
  }
}

/** A plain row, for ids, numbers and times only: `[0][codec u8][body]`. */
export function plain(codec: number, body: Bytes): Bytes {
  const value = new Uint8Array(PLAIN_BODY_AT + body.length);
  value[0] = PLAIN;
  value[1] = codec;
  value.set(body, PLAIN_BODY_AT);
  return value;
}

/** Reads what `plain` made; the body is a view of the value. Throws SealError `malformed` for anything else. */
export function openPlain(value: Bytes): Opened {
  const [seal, codec] = value;
  if (seal !== PLAIN || codec === undefined) {
    throw new SealError('malformed', 'these bytes are not a plain value');
  }
  return { codec, body: value.subarray(PLAIN_BODY_AT) };
}

// Sealing never awaits, so one piece of memory serves every call: partition and key are 18 + 512 bytes at most.
const scratch = Buffer.allocUnsafeSlow(1024);

/** The authenticated context: partition ‖ key ‖ the first four bytes of the value. */
function context(part: Part, key: Bytes, value: Bytes): Bytes {
  const keyAt = part.bytes.length;
  const headerAt = keyAt + key.length;
  const length = headerAt + HEADER_BYTES;
  const bytes = length <= scratch.length ? scratch.subarray(0, length) : Buffer.allocUnsafe(length);
  bytes.set(part.bytes, 0);
  bytes.set(key, keyAt);
  for (let i = 0; i < HEADER_BYTES; i++) bytes[headerAt + i] = value[i] ?? 0;
  return bytes;
}

// One call for randomness costs 3 µs: it is fetched for 512 nonces at a time.
const nonces = Buffer.allocUnsafeSlow(NONCE_BYTES * 512);
let nonceAt = nonces.length;

function fillNonce(nonce: Bytes): void {
  if (nonceAt === nonces.length) {
    randomFillSync(nonces);
    nonceAt = 0;
  }
  for (let i = 0; i < NONCE_BYTES; i++) nonce[i] = nonces[nonceAt + i] ?? 0;
  nonceAt += NONCE_BYTES;
}
