import { type FileHandle, open, rm } from 'node:fs/promises';
import type { BlobRef, BlobWriter, Bytes } from '../store.ts';
import { BlobError } from './blob-error.ts';
import { type BlobHeader, FRAME_BYTES, type FrameSealer } from './frames.ts';

/** Larger writes wake the threads of the disk less often. */
const framesAtOnce = 4;

/** How many frames all writers hold in memory. */
export interface FrameMeter {
  held: number;
}

/** A blob to be written: its id, the file it grows in, what moves that to its place for good, and what seals it. */
interface NewBlob {
  readonly id: Bytes;
  readonly draft: string;
  readonly place: () => Promise<void>;
  readonly header: BlobHeader;
  readonly sealer: FrameSealer;
}

/**
 * Writes one blob file: sealed frames into a draft as the content comes, then made durable, then moved to its place
 * (storage design, section 7). Sealed frames go to the disk four at a time, while the next four are gathered: it holds
 * those eight at most and a plain one. A call that fails closes the writer and leaves no draft; what fails behind a call
 * fails the next. Calls come one after the other; `abort` may come at any time.
 */
export class FileBlobWriter implements BlobWriter {
  readonly #blob: NewBlob;
  readonly #meter: FrameMeter;
  #state: 'open' | 'busy' | 'closed' = 'open';
  #running: Promise<unknown> = Promise.resolve();
  #file: FileHandle | undefined;
  #frame: Buffer | undefined;
  #filled = 0;
  #frames = 0;
  #size = 0;
  /** Frames that are sealed and not yet on their way: for each, ciphertext and tag; the file's header before the first. */
  #sealed: Bytes[] = [];
  #gathered = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(blob: NewBlob, meter: FrameMeter) {
    this.#blob = blob;
    this.#meter = meter;
  }

  async append(chunk: Bytes): Promise<void> {
    await this.#exclusively('open', () => this.#append(chunk));
  }

  async finish(): Promise<BlobRef> {
    return this.#exclusively('closed', () => this.#finish());
  }

  async abort(): Promise<void> {
    this.#state = 'closed';
    await this.#running;
    await this.#discard();
  }

  async #append(chunk: Bytes): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      // A full frame waits until more comes: only then is it known not to be the last.
      if (this.#filled === FRAME_BYTES) await this.#sealFrame(false);
      const taken = Math.min(chunk.length - at, FRAME_BYTES - this.#filled);
      this.#frameToFill().set(chunk.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      this.#size += taken;
      at += taken;
    }
  }

  async #finish(): Promise<BlobRef> {
    await this.#sealFrame(true);
    this.#releaseFrame();
    await this.#writeSealed();
    await this.#writing;
    await this.#file?.datasync();
    await this.#closeFile();
    await this.#blob.place();
    return { id: this.#blob.id, size: this.#size };
  }

  async #sealFrame(isLast: boolean): Promise<void> {
    const { draft, header, sealer } = this.#blob;
    this.#file ??= await open(draft, 'wx', 0o600);
    if (this.#frames === 0) this.#sealed.push(header.bytes);
    const plain = this.#frame?.subarray(0, this.#filled) ?? Buffer.alloc(0);
    this.#sealed.push(...sealer.seal(this.#frames, isLast, plain));
    this.#gathered += 1;
    this.#meter.held += 1;
    this.#frames += 1;
    this.#filled = 0;
    if (this.#gathered === framesAtOnce) await this.#writeSealed();
  }

  /** Begins to write what is sealed, when what was before is written. */
  async #writeSealed(): Promise<void> {
    await this.#writing;
    const [file, sealed, frames] = [this.#file, this.#sealed, this.#gathered];
    if (file === undefined || frames === 0) return;
    this.#sealed = [];
    this.#gathered = 0;
    this.#writing = writeAll(file, sealed).finally(() => {
      this.#meter.held -= frames;
    });
    this.#writing.catch(() => undefined);
  }

  #frameToFill(): Buffer {
    if (this.#frame === undefined) {
      this.#frame = Buffer.allocUnsafeSlow(FRAME_BYTES);
      this.#meter.held += 1;
    }
    return this.#frame;
  }

  #releaseFrame(): void {
    if (this.#frame !== undefined) this.#meter.held -= 1;
    this.#frame = undefined;
  }

  async #exclusively<T>(then: 'open' | 'closed', work: () => Promise<T>): Promise<T> {
    if (this.#state !== 'open') {
      const why = this.#state === 'busy' ? 'has not answered the call before' : 'was finished or aborted';
      throw new BlobError('writer-closed', `this blob writer ${why}`);
    }
    this.#state = 'busy';
    const working = work();
    this.#running = working.catch(() => undefined);
    try {
      const result = await working;
      if (this.#state === 'busy') this.#state = then;
      return result;
    } catch (error) {
      this.#state = 'closed';
      await this.#discard();
      throw error;
    }
  }

  async #discard(): Promise<void> {
    this.#releaseFrame();
    this.#meter.held -= this.#gathered;
    this.#gathered = 0;
    this.#sealed = [];
    await this.#writing.catch(() => undefined);
    await this.#closeFile();
    await rm(this.#blob.draft, { force: true });
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

/** Writes all of it: one call may take less when the disk is nearly full, and the next one says why. */
async function writeAll(file: FileHandle, buffers: readonly Bytes[]): Promise<void> {
  const { bytesWritten } = await file.writev(buffers);
  const all = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  if (bytesWritten < all) await file.writeFile(Buffer.concat(buffers).subarray(bytesWritten));
}
