/** Writes a segment under a number of its own: its words first, in short transactions; what names it comes last (index-rows.ts). */
import { u8, u32 } from '../keys.ts';
import { mailboxRows as rows } from '../layout.ts';
import type { MaintenanceRun } from '../maintenance-context.ts';
import type { Bytes, Part } from '../store.ts';
import { type Chunk, ChunkWriter } from './chunks.ts';
import { WordsKind } from './index-rows.ts';

/** About so many bytes are written in a transaction. */
const batchBytes = 256 * 1024;

/** The words of a segment as they are stored. */
interface WrittenWords {
  readonly bytes: number;
  readonly pieces: readonly string[];
}

export class SegmentWriter {
  readonly #run: MaintenanceRun;
  readonly #part: Part;
  readonly #segment: number;
  readonly #chunks = new ChunkWriter();
  readonly #pieces: string[] = [];
  #batch: (readonly [Bytes, Bytes])[] = [];
  #batchBytes = 0;
  #bytes = 0;

  constructor(run: MaintenanceRun, part: Part, segment: number) {
    this.#run = run;
    this.#part = part;
    this.#segment = segment;
  }

  /** Words come in rising order. */
  async add(word: string, postings: readonly number[]): Promise<void> {
    const chunk = this.#chunks.add(word, postings);
    if (chunk !== undefined) await this.#put(chunk);
  }

  /** Resolves when everything is durable. */
  async end(): Promise<WrittenWords> {
    const chunk = this.#chunks.end();
    if (chunk !== undefined) await this.#put(chunk);
    await this.#write();
    return { bytes: this.#bytes, pieces: this.#pieces };
  }

  async #put({ from, bytes }: Chunk): Promise<void> {
    const key = rows.searchWords.key(u8(WordsKind), u32(this.#segment), u32(this.#pieces.length));
    this.#batch.push([key, rows.searchWords.encode(this.#run.sealer, this.#part, key, bytes)]);
    this.#pieces.push(from);
    this.#bytes += bytes.length;
    this.#batchBytes += bytes.length;
    if (this.#batchBytes >= batchBytes) await this.#write();
  }

  async #write(): Promise<void> {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    const write = async (tx: { put(p: Part, k: Bytes, v: Bytes): void }) => {
      for (const [key, value] of batch) tx.put(this.#part, key, value);
    };
    await this.#run.store.transact([this.#part], write, 'soon');
  }
}
