import type { ByteReader } from './byte-reader.ts';
import type { ArchiveKind } from './sniff.ts';

/** What bounds the inspection of one message. */
export interface InspectionLimits {
  /** Archives in archives: the first is at depth 1. */
  readonly maxDepth: number;
  /** Archives that are opened. */
  readonly maxArchives: number;
  /** Members of all archives. */
  readonly maxMembers: number;
  /** Bytes that all archives unpack to. */
  readonly maxBytes: number;
  /** Bytes out for a byte in, once an archive has unpacked to 8 MiB. */
  readonly maxRatio: number;
  readonly maxMs: number;
}

/** Why an inspection has ended before its end. */
export interface Finding {
  /** `name`: a member's name is wanted; `too-deep`, `too-many`, `too-large`: beyond the limits; `too-slow`: out of time. */
  readonly kind: 'name' | 'too-deep' | 'too-many' | 'too-large' | 'too-slow';
  /** The name, and the names of the archives around it, the outermost last. */
  readonly name: string;
  readonly within: readonly string[];
}

/** Thrown through the readers when there is a finding. */
export class FindingError extends Error {
  override readonly name = 'FindingError';
  readonly finding: Finding;

  constructor(finding: Finding) {
    super(finding.kind);
    this.finding = finding;
  }
}

export interface InspectionOptions {
  readonly limits: InspectionLimits;
  /** Whether a file of this name ends the inspection. */
  readonly isWanted: (name: string) => boolean;
  /** Milliseconds, of any origin. */
  readonly now: () => number;
}

/** A ratio is judged once so much came out. */
export const ratioFromBytes = 8 * 1024 * 1024;
/** Members whose content is tried whatever their name; of the others the name must say what they are. */
const maxTried = 500;
/** Members between two looks at the clock, with a turn for everybody else. */
const membersAtATime = 256;

/** What all archives of one message have used up. */
export class Usage {
  readonly #options: InspectionOptions;
  readonly #startMs: number;
  #members = 0;
  #tried = 0;
  #archives = 0;
  #bytes = 0;

  constructor(options: InspectionOptions) {
    this.#options = options;
    this.#startMs = options.now();
  }

  isWanted(name: string): boolean {
    return this.#options.isWanted(name);
  }

  get limits(): InspectionLimits {
    return this.#options.limits;
  }

  /** Counts a member; gives why it is one too many. */
  member(): Finding['kind'] | undefined {
    this.#members++;
    return this.#members > this.limits.maxMembers ? 'too-many' : undefined;
  }

  /** Counts an archive that is opened; gives why it is one too many. */
  archive(): Finding['kind'] | undefined {
    this.#archives++;
    return this.#archives > this.limits.maxArchives ? 'too-many' : undefined;
  }

  /** Whether one more member may be tried whose name says nothing of an archive. */
  tries(): boolean {
    this.#tried++;
    return this.#tried <= maxTried;
  }

  /** Whether it is time for `rest`. */
  get isDue(): boolean {
    return this.#members % membersAtATime === 0;
  }

  /** Counts bytes that came out of an archive; gives why they are too many. */
  unpacked(bytes: number): Finding['kind'] | undefined {
    this.#bytes += bytes;
    return this.#bytes > this.limits.maxBytes ? 'too-large' : this.late();
  }

  late(): Finding['kind'] | undefined {
    return this.#options.now() - this.#startMs > this.limits.maxMs ? 'too-slow' : undefined;
  }
}

/** Looks into something if it is an archive; whether it is. `reopen` reads it from its beginning again. */
type Inside = (
  name: string,
  content: ByteReader,
  scope: Scope,
  reopen?: () => AsyncIterable<Uint8Array>,
) => Promise<boolean>;

/** A place in a message whose names are looked at: the message itself, or an archive in it. */
export class Scope {
  readonly usage: Usage;
  /** The archives around the names, the outermost last. */
  readonly #path: readonly string[];
  readonly #depth: number;
  /** What the archive is; undefined for the message itself. */
  readonly kind: ArchiveKind | undefined;
  /** Looks into the content of a member, if it is an archive itself. */
  readonly inside: Inside;

  constructor(usage: Usage, inside: Inside, path: readonly string[] = [], depth = 0, kind?: ArchiveKind) {
    this.usage = usage;
    this.inside = inside;
    this.#path = path;
    this.#depth = depth;
    this.kind = kind;
  }

  /** The place inside the archive of this name; throws FindingError when it is too deep. */
  enter(name: string, kind: ArchiveKind): Scope {
    // A packed tar file is one archive to people, and a signed message is a message.
    const isOne = (kind === 'tar' && this.kind === 'gzip') || (kind === 'message' && this.kind === 'signed');
    const depth = this.#depth + (isOne ? 0 : 1);
    if (depth > this.usage.limits.maxDepth) this.end('too-deep', name);
    this.endIf(this.usage.archive());
    return new Scope(this.usage, this.inside, [name, ...this.#path], depth, kind);
  }

  /** Judges a name; throws FindingError when it is wanted. */
  judge(name: string): void {
    if (this.usage.isWanted(name)) this.end('name', name);
  }

  /** Counts a member of this archive and judges its names; lets others have their turn now and then. */
  async member(names: Iterable<string>): Promise<void> {
    this.endIf(this.usage.member());
    for (const name of names) this.judge(name);
    if (this.usage.isDue) await this.rest();
  }

  /** Lets others have their turn; throws FindingError when time is up. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.endIf(this.usage.late());
  }

  /** Throws FindingError, about the archive itself, if there is something to say. */
  endIf(kind: Finding['kind'] | undefined): void {
    if (kind === undefined) return;
    const [name = '', ...within] = this.#path;
    throw new FindingError({ kind, name, within });
  }

  end(kind: Finding['kind'], name: string): never {
    throw new FindingError({ kind, name, within: this.#path });
  }
}
