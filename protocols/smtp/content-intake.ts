import type { ContentMessage } from './relay-messages.ts';

/** After so much the other thread is told that more may come: half of what may be on its way. */
const toldBytes = 128 * 1024;
/** A reader that stops within so much leaves all of it to the next one: who signs reads the header alone. */
const headBytes = 128 * 1024;

/** One reading of a message that comes from another thread. */
interface Reading {
  readonly number: number;
  readonly chunks: Uint8Array[];
  /** Of the next chunk; those before it are kept as long as the message can be read from them once more. */
  at: number;
  takenBytes: number;
  /** Taken, and not told yet. */
  untoldBytes: number;
  isWhole: boolean;
  error: Error | undefined;
  wake: () => void;
}

interface IntakeParts {
  /** Asks for the message from its beginning. */
  read(number: number): void;
  /** So many bytes more may come. */
  more(number: number, bytes: number): void;
}

/** ContentIntake is a message as another thread hands it over, from its beginning each time it is opened; one reader at a time. */
export class ContentIntake {
  readonly #parts: IntakeParts;
  /** The first one is not asked for. */
  #reading = newReading(0);
  #isOver = false;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  /** Takes what came; what belongs to a reading that is over is dropped. */
  take(message: ContentMessage): void {
    const reading = this.#reading;
    if (message.read !== reading.number) return;
    if ('error' in message) {
      reading.error = message.error;
    } else {
      reading.chunks.push(...message.chunks);
      reading.isWhole = message.isEnd;
    }
    reading.wake();
  }

  /** Nothing more is coming: whoever reads gets an error. */
  end(): void {
    this.#isOver = true;
    this.#reading.wake();
  }

  open(): AsyncIterable<Uint8Array> {
    const before = this.#reading;
    if (before.takenBytes <= headBytes) before.at = 0;
    else {
      this.#reading = newReading(before.number + 1);
      this.#parts.read(this.#reading.number);
    }
    this.#reading.takenBytes = 0;
    return this.#chunks(this.#reading);
  }

  async *#chunks(reading: Reading): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const chunk = reading.chunks[reading.at];
      if (chunk !== undefined) {
        this.#took(reading, chunk.length);
        yield chunk;
        continue;
      }
      if (reading.isWhole) return;
      if (reading.error !== undefined) throw reading.error;
      if (this.#isOver) throw new Error('The attempt is over');
      await new Promise<void>((resolve) => {
        reading.wake = resolve;
      });
    }
  }

  #took(reading: Reading, bytes: number): void {
    reading.takenBytes += bytes;
    reading.at++;
    if (reading.takenBytes <= headBytes) return;
    for (const { length } of reading.chunks.splice(0, reading.at)) reading.untoldBytes += length;
    reading.at = 0;
    if (reading.untoldBytes < toldBytes || reading.isWhole) return;
    this.#parts.more(reading.number, reading.untoldBytes);
    reading.untoldBytes = 0;
  }
}

function newReading(number: number): Reading {
  return {
    number,
    chunks: [],
    at: 0,
    takenBytes: 0,
    untoldBytes: 0,
    isWhole: false,
    error: undefined,
    wake: () => undefined,
  };
}
