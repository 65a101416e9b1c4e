/** A folder as a phone holds it; it does as it is told, and complains of what no server may tell. */
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import {
  child,
  childrenOf,
  type Element,
  has,
  integerOf,
  text,
  textOf,
} from '#protocols/activesync/wbxml/element';
import type { ModelMailbox } from './model.ts';

/** A message as a phone holds it. Undefined is what its version does not show. */
export interface Held {
  readonly subject: string;
  readonly receivedMs: number;
  readonly read: boolean;
  readonly flag: number | undefined;
  readonly categories: string | undefined;
  readonly verb: number | undefined;
  readonly importance: number;
  readonly isDraft: boolean;
}

/** What a phone asks for in the Options of a folder. */
export interface Settings {
  /** MS-ASCMD, FilterType: 0 to 5. */
  readonly filterType: number;
  readonly serverWins: boolean;
}

/** What the phone's complaints are measured by. */
export interface Judge {
  readonly id: string;
  readonly version: ProtocolVersion;
  readonly model: ModelMailbox;
  nowMs(): number;
  complain(fault: string): void;
}

const dayMs = 24 * 3_600_000;
const filterDays = [0, 1, 3, 7, 14, 30];

/** Messages received before this are not for a device with that filter: the day moves it, not the hour. */
export function boundaryMs(filterType: number, nowMs: number): number {
  const days = filterDays[filterType] ?? 0;
  return days === 0 ? 0 : Math.floor(nowMs / dayMs) * dayMs - days * dayMs;
}

export class PhoneCollection {
  readonly id: string;
  key = '0';
  /** By ServerId. */
  readonly items = new Map<string, Held>();
  settings: Settings = { filterType: 0, serverWins: true };
  /** Moved away by this phone: the server may tell of them once more, or not. */
  readonly movedAway = new Set<string>();
  /** In requests that were not answered: the phone may be told of what it does not know yet that it did. */
  readonly underWay = new Set<string>();
  /** Another answer to the same key was made than the one the phone went on from: it may have to start over. */
  isForked = false;
  /** The key of the last request that named one, and was answered whatever else it held. */
  namedKey = '';
  /** The model's moment when the state was made that the key names. */
  at = 0;
  /** It was told everything there was at that moment. */
  isAtExact = false;

  constructor(id: string) {
    this.id = id;
  }

  reset(): void {
    this.key = '0';
    this.items.clear();
    this.movedAway.clear();
    this.underWay.clear();
    this.isForked = false;
    this.isAtExact = false;
    this.settings = { filterType: 0, serverWins: true };
  }

  /** Takes over the server's Commands. */
  apply(commands: readonly Element[], judge: Judge): void {
    for (const command of commands) {
      const id = textOf(command, AirSync.ServerId) ?? '';
      const fault = (what: string) =>
        judge.complain(`${command.tag.name} of ${id} (${this.items.get(id)?.subject ?? '?'}) ${what}`);
      if (!id.startsWith(`${this.id}:`)) fault(`in the folder ${this.id}`);
      if (command.tag === AirSync.Add) this.#add(id, command, judge, fault);
      else if (command.tag === AirSync.Change) this.#change(id, command, judge, fault);
      else this.#remove(id, command, judge, fault);
    }
  }

  #add(id: string, command: Element, judge: Judge, fault: (what: string) => void): void {
    const data = child(command, AirSync.ApplicationData);
    const held = readHeld(data, judge.version);
    if (held === undefined) {
      fault('without its properties');
      return;
    }
    if (this.items.has(id) && !this.underWay.has(id)) fault('which is held');
    this.#checkPlace(held, judge, fault);
    if (!bodyOf(data).includes(`Text of ${held.subject}.`)) fault(`with the body ${bodyOf(data)}`);
    this.movedAway.delete(id);
    this.items.set(id, held);
  }

  #change(id: string, command: Element, judge: Judge, fault: (what: string) => void): void {
    const data = child(command, AirSync.ApplicationData);
    const held = this.items.get(id);
    if (held === undefined) {
      if (!this.movedAway.has(id)) fault('which is not held');
      return;
    }
    if (data === undefined || data.children.length === 0) {
      fault('that changes nothing');
      return;
    }
    const whole = readHeld(data, judge.version);
    if (whole !== undefined) this.#checkPlace(whole, judge, fault);
    const after = whole ?? { ...held, ...readMarks(data) };
    const isOwn = !judge.model.isCrowded && !judge.model.wasWrittenByOthers(held.subject, judge.id, this.at);
    if (whole === undefined && isOwn && !this.underWay.has(id)) fault('which only this phone has changed');
    this.items.set(id, after);
  }

  #remove(id: string, command: Element, judge: Judge, fault: (what: string) => void): void {
    const held = this.items.get(id);
    if (held === undefined) {
      if (!this.movedAway.delete(id)) fault('which is not held');
      return;
    }
    const item = judge.model.items.get(held.subject);
    const isSoft = command.tag === AirSync.SoftDelete;
    if (isSoft && held.receivedMs >= boundaryMs(this.settings.filterType, judge.nowMs())) {
      fault('which the filter does not concern');
    }
    const neverLeft = item !== undefined && !item.left.has(this.id) && item.places.has(this.id);
    if (!isSoft && neverLeft && !judge.model.isCrowded) fault('which is there');
    this.items.delete(id);
  }

  #checkPlace({ subject, receivedMs }: Held, judge: Judge, fault: (what: string) => void): void {
    const { model } = judge;
    const places = model.items.get(subject)?.places;
    if (!model.isCrowded && places?.has(this.id) !== true) {
      fault(`${subject}, which is in ${[...(places ?? ['no place'])].join(' or ')}`);
    }
    if (receivedMs < boundaryMs(this.settings.filterType, judge.nowMs()))
      fault(`${subject}, out of the filter`);
  }
}

/** The properties of a whole message; undefined when only some are told. */
export function readHeld(data: Element | undefined, version: ProtocolVersion): Held | undefined {
  const subject = textOf(data, Email.Subject);
  if (data === undefined || subject === undefined) return undefined;
  const since14 = isAtLeast(version, '14.0');
  return {
    subject,
    receivedMs: Date.parse(textOf(data, Email.DateReceived) ?? ''),
    read: textOf(data, Email.Read) === '1',
    flag: isAtLeast(version, '12.0') ? (integerOf(data, Email.Flag, Email.Status) ?? 0) : undefined,
    categories: since14 ? categoriesOf(data) : undefined,
    verb: since14 ? (integerOf(data, Email2.LastVerbExecuted) ?? 0) : undefined,
    importance: integerOf(data, Email.Importance) ?? Number.NaN,
    isDraft: textOf(data, Email2.IsDraft) === '1',
  };
}

/** Those of the marks that are told. */
export function readMarks(data: Element): Partial<Held> {
  return {
    ...(has(data, Email.Read) && { read: textOf(data, Email.Read) === '1' }),
    ...(has(data, Email.Flag) && { flag: integerOf(data, Email.Flag, Email.Status) ?? 0 }),
    ...(has(data, Email.Categories) && { categories: categoriesOf(data) }),
    ...(has(data, Email.Importance) && { importance: integerOf(data, Email.Importance) ?? Number.NaN }),
  };
}

function categoriesOf(data: Element): string {
  return childrenOf(child(data, Email.Categories), Email.Category).map(text).join('|');
}

function bodyOf(data: Element | undefined): string {
  return textOf(data, AirSyncBase.Body, AirSyncBase.Data) ?? textOf(data, Email.Body) ?? '';
}
