/**
 * The format of a blob file: a header, then the content in frames of 64 KiB, each sealed on its own so that a range can
 * be read without the rest. At least one frame is there; only the last may be short.
 *
 * Header: [magic 'MSB'][version u8][compression u8][reserved u8][epoch u16][salt 32]. Frame: [ciphertext][tag 16].
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import type { Bytes } from '../store.ts';
import { BlobError } from './blob-error.ts';

/** Plain bytes in every frame but the last. */
export const FRAME_BYTES = 64 * 1024;
/** What sealing adds to a frame. */
export const TAG_BYTES = 16;
export const SALT_BYTES = 32;
export const HEADER_BYTES = 8 + SALT_BYTES;

const MAGIC = Buffer.from('MSB');
const VERSION = 1;
const UNCOMPRESSED = 0;
const NONCE_BYTES = 12;

/** What a blob file says of itself; its bytes are authenticated with every frame. */
export interface BlobHeader {
  readonly bytes: Bytes;
  readonly epoch: number;
  readonly salt: Bytes;
}

/** The header of a new blob file. */
export function newHeader(epoch: number, salt: Bytes): BlobHeader {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes[3] = VERSION;
  bytes[4] = UNCOMPRESSED;
  bytes.writeUInt16BE(epoch, 6);
  bytes.set(salt, 8);
  return { bytes, epoch, salt };
}

/** Reads a header. Throws BlobError `damaged` if these bytes are none. */
export function readHeader(bytes: Buffer): BlobHeader {
  const known = bytes.length === HEADER_BYTES && bytes.subarray(0, 3).equals(MAGIC);
  if (!known || bytes[3] !== VERSION || bytes[4] !== UNCOMPRESSED) {
    throw new BlobError('damaged', 'a blob file does not begin with a header that this version reads');
  }
  return { bytes, epoch: bytes.readUInt16BE(6), salt: bytes.subarray(8) };
}

/** How many frames hold a content of this size. */
export function frameCount(size: number): number {
  return Math.max(1, Math.ceil(size / FRAME_BYTES));
}

/** The size of the file that holds a content of this size. */
export function fileBytes(size: number): number {
  return HEADER_BYTES + size + frameCount(size) * TAG_BYTES;
}

/** Where a frame begins in its file. */
export function frameOffset(frame: number): number {
  return HEADER_BYTES + frame * (FRAME_BYTES + TAG_BYTES);
}

/**
 * Seals and opens the frames of one file. Its key is used for this file only, so the frame's number is nonce enough;
 * the number and whether it is the last are authenticated: frames cannot be left out, added or reordered.
 */
export class FrameSealer {
  readonly #key: KeyObject;
  readonly #header: BlobHeader;

  constructor(key: KeyObject, header: BlobHeader) {
    this.#key = key;
    this.#header = header;
  }

  /** The ciphertext and the tag of a frame. */
  seal(frame: number, isLast: boolean, plain: Bytes): [Bytes, Bytes] {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(frame), { authTagLength: TAG_BYTES });
    cipher.setAAD(this.#context(frame, isLast));
    const ciphertext = cipher.update(plain);
    cipher.final();
    return [ciphertext, cipher.getAuthTag()];
  }

  /** The plain bytes of a sealed frame. Throws BlobError `damaged`. */
  open(frame: number, isLast: boolean, sealed: Bytes): Bytes {
    const tagAt = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(frame), { authTagLength: TAG_BYTES });
    decipher.setAAD(this.#context(frame, isLast));
    decipher.setAuthTag(sealed.subarray(tagAt));
    const plain = decipher.update(sealed.subarray(0, tagAt));
    try {
      decipher.final();
    } catch (cause) {
      throw new BlobError('damaged', `frame ${frame} of a blob file was changed or belongs to another`, {
        cause,
      });
    }
    return plain;
  }

  #context(frame: number, isLast: boolean): Bytes {
    const context = Buffer.allocUnsafe(HEADER_BYTES + 5);
    context.set(this.#header.bytes);
    context.writeUInt32BE(frame, HEADER_BYTES);
    context[HEADER_BYTES + 4] = isLast ? 1 : 0;
    return context;
  }
}

function nonceOf(frame: number): Bytes {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(frame, NONCE_BYTES - 4);
  return nonce;
}
