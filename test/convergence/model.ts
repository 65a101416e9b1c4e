/** What must be in the mailbox, by all that was done to it. */

/** Where a message is that is nowhere. */
export const gone = 'gone';

/** What is known of a message; where it is not known which of several came last, each of them may be. */
interface ModelItem {
  readonly subject: string;
  readonly receivedMs: number;
  /** CollectionIds. */
  places: ReadonlySet<string>;
  read: ReadonlySet<boolean>;
  /** MS-ASEMAIL, Status (Flag). */
  flag: ReadonlySet<number>;
  /** Joined by `|`. */
  categories: ReadonlySet<string>;
  /** MS-ASEMAIL, LastVerbExecuted; 0 is none. */
  verb: ReadonlySet<number>;
  /** It tells which of the contents of a draft came last. */
  importance: ReadonlySet<number>;
  /** Folders that it was taken out of. */
  readonly left: Set<string>;
  /** Who wrote a mark, and when. */
  readonly writes: { readonly at: number; readonly by: string; readonly changed: readonly string[] }[];
  /** Who took it out of a folder, and when. */
  readonly moves: { readonly at: number; readonly by: string; readonly from: string }[];
}

/** A message as it is in the mailbox. */
export interface TrueItem {
  readonly subject: string;
  /** MS-ASCMD, ServerId. */
  readonly serverId: string;
  readonly folder: string;
  readonly receivedMs: number;
  readonly read: boolean;
  readonly flag: number;
  readonly categories: string;
  readonly verb: number;
  readonly importance: number;
}

/** New values of marks. */
interface Marks {
  readonly read?: boolean | undefined;
  readonly flag?: number | undefined;
  readonly categories?: string | undefined;
  readonly verb?: number | undefined;
  readonly importance?: number | undefined;
}

/** `unknown`: no answer came, or several things happened at once. */
type Certainty = 'done' | 'unknown';

export class ModelMailbox {
  readonly items = new Map<string, ModelItem>();
  /** Grows with all that happens. */
  at = 0;
  #isCrowded = false;
  readonly #checks: (() => void)[] = [];

  /** Several requests are under way: nobody knows their order. */
  get isCrowded(): boolean {
    return this.#isCrowded;
  }

  set isCrowded(isCrowded: boolean) {
    this.#isCrowded = isCrowded;
    if (!isCrowded) for (const check of this.#checks.splice(0)) check();
  }

  /** Looks at something now, or when all is learned that was done at the same time. */
  whenLearned(check: () => void): void {
    if (this.#isCrowded) this.#checks.push(check);
    else check();
  }

  /** A message that came; `places` are where it may be. */
  add(subject: string, receivedMs: number, places: readonly string[], read = false, importance = 1): void {
    this.at++;
    this.items.set(subject, {
      subject,
      receivedMs,
      places: new Set(places),
      read: new Set([read]),
      flag: new Set([0]),
      categories: new Set(['']),
      verb: new Set([0]),
      importance: new Set([importance]),
      left: new Set(),
      writes: [],
      moves: [],
    });
  }

  /** The message is in that folder, and nowhere else. */
  isKnownIn(subject: string, folder: string): boolean {
    const places = this.items.get(subject)?.places;
    return places?.size === 1 && places.has(folder);
  }

  /** Marks were written to a message in a folder. */
  mark(subject: string, folder: string, marks: Marks, by: string, certainty: Certainty): void {
    const item = this.items.get(subject);
    if (item === undefined || !item.places.has(folder)) return;
    if (certainty === 'done' && !this.isCrowded) item.places = new Set([folder]);
    this.markAnywhere(subject, marks, by, certainty);
  }

  /** Marks were written to a message, wherever it was. */
  markAnywhere(subject: string, marks: Marks, by: string, certainty: Certainty): void {
    const item = this.items.get(subject);
    if (item === undefined) return;
    this.at++;
    const isSure = certainty === 'done' && !this.isCrowded;
    const isChanged = <T>(known: ReadonlySet<T>, value: T | undefined) =>
      isSure && value !== undefined && known.size === 1 && !known.has(value);
    const changed = [
      isChanged(item.read, marks.read) ? 'read' : '',
      isChanged(item.flag, marks.flag) ? 'flag' : '',
      isChanged(item.categories, marks.categories) ? 'categories' : '',
      isChanged(item.importance, marks.importance) ? 'importance' : '',
    ];
    const after = <T>(known: ReadonlySet<T>, value: T | undefined): ReadonlySet<T> =>
      value === undefined ? known : new Set(isSure ? [value] : [...known, value]);
    item.read = after(item.read, marks.read);
    item.flag = after(item.flag, marks.flag);
    item.categories = after(item.categories, marks.categories);
    item.verb = after(item.verb, marks.verb);
    item.importance = after(item.importance, marks.importance);
    item.writes.push({ at: this.at, by, changed });
  }

  /** A draft was sent: its copy is in Sent Items, and has perhaps not all its marks. */
  sent(subject: string, from: string, to: string, by: string, certainty: Certainty): void {
    const item = this.items.get(subject);
    if (item === undefined || !item.places.has(from)) return;
    this.move(subject, from, to, by, certainty);
    item.read = new Set([...item.read, true]);
    item.flag = new Set([...item.flag, 0]);
    item.categories = new Set([...item.categories, '']);
    item.verb = new Set([...item.verb, 0]);
  }

  /** A message that was in a folder went to another one, or is gone. */
  move(subject: string, from: string, to: string, by: string, certainty: Certainty): void {
    const item = this.items.get(subject);
    if (item === undefined || !item.places.has(from)) return;
    this.at++;
    const isSure = certainty === 'done' && !this.isCrowded;
    const kept = [...item.places].filter((place) => !isSure || place !== from);
    item.places = new Set([...kept, to]);
    item.left.add(from);
    item.moves.push({ at: this.at, by, from });
  }

  /** A folder was deleted, with what was in it. */
  emptied(folder: string, by: string, certainty: Certainty): void {
    for (const { subject } of this.items.values()) this.move(subject, folder, gone, by, certainty);
  }

  /** Whether somebody else wrote marks of a message from that moment on. */
  wasWrittenByOthers(subject: string, device: string, from: number): boolean {
    const item = this.items.get(subject);
    return item?.writes.some(({ at, by }) => at >= from && by !== device) ?? false;
  }

  /**
   * Whether somebody else took a message out of that folder from that moment on, and marks of it were written since, be it by the
   * device in another folder: nothing in this one tells which.
   */
  wasElsewhere(subject: string, folder: string, device: string, since: number): boolean {
    const { moves = [], writes = [] } = this.items.get(subject) ?? {};
    const isTaken = moves.some(({ at, by, from }) => at >= since && by !== device && from === folder);
    return isTaken && writes.some(({ at }) => at >= since);
  }

  /** A mark that somebody else wrote from that moment on, and that these would change. */
  overwritten(subject: string, marks: Marks, device: string, from: number): string | undefined {
    const item = this.items.get(subject);
    if (item === undefined) return undefined;
    const others = item.writes.filter(({ at, by }) => at > from && by !== device);
    const written = new Set(others.flatMap(({ changed }) => changed));
    const isOther = <T>(known: ReadonlySet<T>, value: T | undefined) =>
      value !== undefined && known.size === 1 && !known.has(value);
    if (isOther(item.read, marks.read) && written.has('read')) return 'read';
    if (isOther(item.flag, marks.flag) && written.has('flag')) return 'flag';
    if (isOther(item.importance, marks.importance) && written.has('importance')) return 'importance';
    return isOther(item.categories, marks.categories) && written.has('categories') ? 'categories' : undefined;
  }

  /** What is in the mailbox and should not be so; afterwards the model knows what is. */
  differences(truth: readonly TrueItem[]): string[] {
    const faults: string[] = [];
    const bySubject = new Map<string, TrueItem>();
    for (const one of truth) {
      if (bySubject.has(one.subject)) faults.push(`${one.subject} is in the mailbox twice`);
      if (!this.items.has(one.subject)) faults.push(`${one.subject} is in the mailbox, and was never there`);
      bySubject.set(one.subject, one);
    }
    for (const item of this.items.values()) faults.push(...settle(item, bySubject.get(item.subject)));
    return faults;
  }
}

/** Compares one message and takes over what is. */
function settle(item: ModelItem, found: TrueItem | undefined): string[] {
  const place = found?.folder ?? gone;
  const faults = differing(item.subject, 'place', item.places, place);
  item.places = new Set([place]);
  if (found === undefined) return faults;
  faults.push(
    ...differing(item.subject, 'read', item.read, found.read),
    ...differing(item.subject, 'flag', item.flag, found.flag),
    ...differing(item.subject, 'categories', item.categories, found.categories),
    ...differing(item.subject, 'verb', item.verb, found.verb),
    ...differing(item.subject, 'importance', item.importance, found.importance),
  );
  item.read = new Set([found.read]);
  item.flag = new Set([found.flag]);
  item.categories = new Set([found.categories]);
  item.verb = new Set([found.verb]);
  item.importance = new Set([found.importance]);
  return faults;
}

function differing<T>(subject: string, what: string, allowed: ReadonlySet<T>, found: T): string[] {
  if (allowed.has(found)) return [];
  return [
    `${subject} has in the mailbox the ${what} ${found}, by what was done it is ${[...allowed].join(' or ')}`,
  ];
}
