import { GatheredBytes } from '#mime/gathered-bytes';
import type { OrganizationId } from './ids.ts';
import type { NewBody } from './item.ts';
import type { BodyWriter, MailStore, StoredBody } from './ports.ts';

/** A body that is ready to be named by rows: in memory, or durable once for each organisation. */
export interface SpooledBody {
  readonly size: number;
  readonly stored: readonly StoredBody[];
  bodyFor(organization: OrganizationId): NewBody;
  /** Bytes [start, end). */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  /** Forgets it: no row will name it. */
  discard(): Promise<void>;
}

type BodyStore = Pick<MailStore, 'writeBody' | 'readBody' | 'discardBody'>;

/** Takes a raw message as it streams in: a small one stays in memory, a larger one goes to the store at once. */
export class BodySpool {
  readonly #store: BodyStore;
  readonly #organizations: readonly OrganizationId[];
  readonly #inlineBytes: number;
  #held = new GatheredBytes();
  #size = 0;
  #writers: readonly BodyWriter[] | undefined;

  /** Bodies of more than `inlineBytes` are written for each of `organizations`. */
  constructor(store: BodyStore, organizations: readonly OrganizationId[], inlineBytes: number) {
    this.#store = store;
    this.#organizations = organizations;
    this.#inlineBytes = inlineBytes;
  }

  /** Resolves when there is room for more. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    if (this.#writers) return append(this.#writers, chunk);
    this.#held.add(chunk);
    if (this.#size <= this.#inlineBytes) return;
    this.#writers = this.#organizations.map((organization) => this.#store.writeBody(organization));
    const held = this.#held.bytes;
    this.#held = new GatheredBytes();
    await append(this.#writers, held);
  }

  /** The body, durable if it is not in memory. */
  async finish(): Promise<SpooledBody> {
    if (!this.#writers) {
      const raw = this.#held.bytes;
      const body: NewBody = { kind: 'inline', raw };
      return {
        size: this.#size,
        stored: [],
        bodyFor: () => body,
        read: (start, end) => one(raw.subarray(start, end)),
        discard: async () => undefined,
      };
    }
    const stored = await Promise.all(this.#writers.map((writer) => writer.finish()));
    const bodies = new Map(
      stored.map(({ organization, id }) => [organization, { kind: 'blob', id } as const]),
    );
    const [first] = stored;
    const store = this.#store;
    return {
      size: this.#size,
      stored,
      bodyFor: (organization) => found(bodies.get(organization)),
      read: (start, end) => store.readBody(found(first), [start, end]),
      discard: async () => {
        await Promise.all(stored.map((body) => store.discardBody(body)));
      },
    };
  }

  /** Forgets it. */
  async abort(): Promise<void> {
    this.#held = new GatheredBytes();
    await Promise.all((this.#writers ?? []).map((writer) => writer.abort()));
  }
}

/** The same body with fields in front of it. */
export function inFrontOf(body: SpooledBody, fields: Uint8Array): SpooledBody {
  if (fields.length === 0) return body;
  const { size, stored } = body;
  const framed = new Map<NewBody, NewBody>();
  return {
    size: size + fields.length,
    stored,
    bodyFor: (organization) => {
      const own = body.bodyFor(organization);
      const known = framed.get(own) ?? framedBody(own, fields);
      framed.set(own, known);
      return known;
    },
    read: async function* (start, end) {
      if (start < fields.length) yield fields.subarray(start, end);
      if (end <= fields.length) return;
      yield* body.read(Math.max(0, start - fields.length), end - fields.length);
    },
    discard: () => body.discard(),
  };
}

function framedBody(body: NewBody, fields: Uint8Array): NewBody {
  return body.kind === 'inline'
    ? { kind: 'inline', raw: Buffer.concat([fields, body.raw]) }
    : { ...body, before: fields };
}

async function append(writers: readonly BodyWriter[], chunk: Uint8Array): Promise<void> {
  const [only, ...others] = writers;
  await (others.length === 0
    ? only?.append(chunk)
    : Promise.all(writers.map((writer) => writer.append(chunk))));
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

function found<Body>(body: Body | undefined): Body {
  if (!body) throw new TypeError('a body was asked for an organisation it was not written for');
  return body;
}
