import type { OrganizationId } from './ids.ts';
import type { NewBody } from './item.ts';
import type { BodyWriter, MailStore, StoredBody } from './ports.ts';

/** A body that is ready to be named by rows: in memory, or durable once for each organisation. */
export interface SpooledBody {
  readonly size: number;
  readonly stored: readonly StoredBody[];
  bodyFor(organization: OrganizationId): NewBody;
}

/** Takes a raw message as it streams in: a small one stays in memory, a larger one goes to the store at once. */
export class BodySpool {
  readonly #store: Pick<MailStore, 'writeBody'>;
  readonly #organizations: readonly OrganizationId[];
  readonly #inlineBytes: number;
  #held: Uint8Array[] = [];
  #size = 0;
  #writers: readonly BodyWriter[] | undefined;

  /** Bodies of more than `inlineBytes` are written for each of `organizations`. */
  constructor(
    store: Pick<MailStore, 'writeBody'>,
    organizations: readonly OrganizationId[],
    inlineBytes: number,
  ) {
    this.#store = store;
    this.#organizations = organizations;
    this.#inlineBytes = inlineBytes;
  }

  /** Resolves when there is room for more. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length;
    if (this.#writers) return append(this.#writers, chunk);
    this.#held.push(chunk);
    if (this.#size <= this.#inlineBytes) return;
    this.#writers = this.#organizations.map((organization) => this.#store.writeBody(organization));
    const held = Buffer.concat(this.#held);
    this.#held = [];
    await append(this.#writers, held);
  }

  /** The body, durable if it is not in memory. */
  async finish(): Promise<SpooledBody> {
    if (!this.#writers) {
      const body: NewBody = { kind: 'inline', raw: Buffer.concat(this.#held) };
      return { size: this.#size, stored: [], bodyFor: () => body };
    }
    const stored = await Promise.all(this.#writers.map((writer) => writer.finish()));
    const bodies = new Map(
      stored.map(({ organization, id }) => [organization, { kind: 'blob', id } as const]),
    );
    return { size: this.#size, stored, bodyFor: (organization) => found(bodies.get(organization)) };
  }

  /** Forgets it. */
  async abort(): Promise<void> {
    this.#held = [];
    await Promise.all((this.#writers ?? []).map((writer) => writer.abort()));
  }
}

async function append(writers: readonly BodyWriter[], chunk: Uint8Array): Promise<void> {
  const [only, ...others] = writers;
  await (others.length === 0
    ? only?.append(chunk)
    : Promise.all(writers.map((writer) => writer.append(chunk))));
}

function found(body: NewBody | undefined): NewBody {
  if (!body) throw new TypeError('a body was asked for an organisation it was not written for');
  return body;
}
