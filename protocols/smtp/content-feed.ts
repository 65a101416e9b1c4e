import { type ContentMessage, plainError } from './relay-messages.ts';

/** So much of a message may be on its way to the other thread; */
const windowBytes = 256 * 1024;
/** and what goes at once is at most a chunk more than this. */
const batchBytes = 192 * 1024;

type Post = (message: ContentMessage, transfer: readonly ArrayBuffer[]) => void;

/** ContentFeed reads a message and hands it to another thread, no faster than that one takes it. */
export class ContentFeed {
  readonly #read: number;
  readonly #post: Post;
  /** Bytes that may still be handed over. */
  #room = windowBytes;
  #isStopped = false;
  #wake: () => void = () => undefined;

  constructor(read: number, post: Post) {
    this.#read = read;
    this.#post = post;
  }

  get read(): number {
    return this.#read;
  }

  /** The other thread is done with so many. */
  more(bytes: number): void {
    this.#room += bytes;
    this.#wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  /** Reads to the end, or until it is stopped; an error of reading is handed over too. Never rejects. */
  async run(content: AsyncIterable<Uint8Array>): Promise<void> {
    let chunks: Uint8Array[] = [];
    let bytes = 0;
    // The header is waited for.
    let enough = 1;
    try {
      for await (const chunk of content) {
        if (this.#isStopped) return;
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes < enough) continue;
        this.#hand(chunks, false);
        this.#room -= bytes;
        [chunks, bytes, enough] = [[], 0, batchBytes];
        while (this.#room <= 0 && !this.#isStopped) await this.#more();
        if (this.#isStopped) return;
      }
      if (!this.#isStopped) this.#hand(chunks, true);
    } catch (err) {
      if (!this.#isStopped) this.#post({ kind: 'content', read: this.#read, error: plainError(err) }, []);
    }
  }

  #hand(chunks: readonly Uint8Array[], isEnd: boolean): void {
    const own = chunks.map(ownedChunk);
    const message = { kind: 'content', read: this.#read, chunks: own, isEnd } as const;
    this.#post(
      message,
      own.map(({ buffer }) => buffer),
    );
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A chunk in memory that holds nothing else, and so can be given away. */
function ownedChunk(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = chunk;
  const isAlone = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return isAlone ? new Uint8Array(buffer) : new Uint8Array(chunk);
}
