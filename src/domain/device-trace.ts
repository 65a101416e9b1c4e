import type { Logger } from '#telemetry/log';
import type { DeviceId, MailboxRef } from './ids.ts';
import type { Clock } from './outside.ts';
import type { PageOf } from './ports.ts';

/** A request and its answer as they were, in words; bodies are shortened, and secrets are not in it. */
export interface TracedRequest {
  readonly atMs: number;
  readonly durationMs: number;
  readonly waitedMs?: number | undefined;
  readonly command: string;
  readonly version: string;
  /** Undefined: the client had gone before it was answered. */
  readonly httpStatus?: number | undefined;
  readonly url: string;
  readonly requestHeaders: readonly (readonly [name: string, value: string])[];
  readonly request: string;
  readonly answerHeaders: readonly (readonly [name: string, value: string])[];
  readonly answer: string;
  readonly error?: string | undefined;
  /** So many requests before it came faster than they could be kept. */
  readonly missed?: number | undefined;
}

/** For how long requests of a device are kept whole. */
export interface TraceSetting {
  readonly ref: MailboxRef;
  readonly device: DeviceId;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Who switched it on, as they called themselves. */
  readonly by: string | undefined;
}

/** What traces need remembered. */
export interface TraceStore {
  settings(): Promise<readonly TraceSetting[]>;
  putSetting(setting: TraceSetting): Promise<void>;
  deleteSetting(ref: MailboxRef, device: DeviceId): Promise<void>;
  /** How many bytes the requests take that are kept of a device. */
  size(ref: MailboxRef, device: DeviceId): Promise<number>;
  /** Keeps a request, and gives the bytes it takes. */
  add(ref: MailboxRef, device: DeviceId, request: TracedRequest): Promise<number>;
  /** Takes away the oldest requests until so many bytes are free, and gives the bytes that are. */
  removeOldest(ref: MailboxRef, device: DeviceId, bytes: number): Promise<number>;
  /** In the order of their beginning; `after` is the `next` of the page before. A page ends after about a MiB. */
  read(
    ref: MailboxRef,
    device: DeviceId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<TracedRequest, string>>;
  remove(ref: MailboxRef, device: DeviceId): Promise<void>;
}

/** Of a device; the oldest go. */
const maxTraceBytes = 5 * 1024 * 1024;
/** Requests that wait to be written. */
const maxWaiting = 50;
/** An ended trace can be looked at for so long. */
const keptMs = 7 * 24 * 3_600_000;

interface TraceParts {
  readonly store: TraceStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
}

interface Trace {
  setting: TraceSetting;
  /** Undefined until it was counted. */
  bytes: number | undefined;
  waiting: number;
  missed: number;
  /** The end of what is being written. */
  written: Promise<void>;
}

/**
 * DeviceTraces keeps the requests of chosen devices, decoded, for a time: what it takes to see why a phone does not do what it
 * should. For all others it costs a look into a map that is mostly empty.
 */
export class DeviceTraces {
  readonly #parts: TraceParts;
  readonly #traces = new Map<string, Trace>();

  constructor(parts: TraceParts) {
    this.#parts = parts;
  }

  /** Goes on with what was on when the server ended. */
  async load(): Promise<void> {
    for (const setting of await this.#parts.store.settings()) this.#begin(setting);
    await this.#dropOld();
  }

  /** Whether requests of a device are to be kept now. */
  isOn(ref: MailboxRef, device: DeviceId): boolean {
    if (this.#traces.size === 0) return false;
    const trace = this.#traces.get(keyOf(ref, device));
    return trace !== undefined && trace.setting.untilMs > this.#parts.clock.now();
  }

  /** The setting of a device, also when its time is over; undefined if it has none. */
  settingOf(ref: MailboxRef, device: DeviceId): TraceSetting | undefined {
    return this.#traces.get(keyOf(ref, device))?.setting;
  }

  /** Keeps the requests of a device for so long from now on. One that is on goes on; one that is over begins anew. */
  async start(
    ref: MailboxRef,
    device: DeviceId,
    { minutes, by }: { readonly minutes: number; readonly by: string | undefined },
  ): Promise<TraceSetting> {
    await this.#dropOld();
    const nowMs = this.#parts.clock.now();
    const before = this.#traces.get(keyOf(ref, device));
    const isOn = before !== undefined && before.setting.untilMs > nowMs;
    const sinceMs = isOn ? before.setting.sinceMs : nowMs;
    const setting = { ref, device, sinceMs, untilMs: nowMs + minutes * 60_000, by };
    if (!isOn) {
      await before?.written;
      await this.#parts.store.remove(ref, device);
    }
    await this.#parts.store.putSetting(setting);
    if (isOn) before.setting = setting;
    else this.#begin(setting);
    return setting;
  }

  /** Keeps no more requests of a device; what was kept can be looked at for a week. Nothing happens if it is not on. */
  async end(ref: MailboxRef, device: DeviceId): Promise<TraceSetting | undefined> {
    const trace = this.#traces.get(keyOf(ref, device));
    const nowMs = this.#parts.clock.now();
    if (trace === undefined || trace.setting.untilMs <= nowMs) return trace?.setting;
    trace.setting = { ...trace.setting, untilMs: nowMs };
    await this.#parts.store.putSetting(trace.setting);
    return trace.setting;
  }

  /** Keeps a request, later: nobody waits for it. One that was held until the trace was over is not kept. */
  add(ref: MailboxRef, device: DeviceId, request: TracedRequest): void {
    const trace = this.#traces.get(keyOf(ref, device));
    if (trace === undefined || trace.setting.untilMs <= this.#parts.clock.now()) return;
    if (trace.waiting >= maxWaiting) {
      trace.missed++;
      return;
    }
    const { missed } = trace;
    trace.missed = 0;
    trace.waiting++;
    const noted = missed === 0 ? request : { ...request, missed };
    trace.written = trace.written
      .then(() => this.#write(trace, noted))
      .catch((err: unknown) => this.#parts.log.error('device.trace.failed', { err }))
      .finally(() => trace.waiting--);
  }

  /** What was kept of a device, in the order of its beginning. */
  async read(
    ref: MailboxRef,
    device: DeviceId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<TracedRequest, string>> {
    await this.#traces.get(keyOf(ref, device))?.written;
    return this.#parts.store.read(ref, device, after, limit);
  }

  /** Forgets a device's trace. */
  async forget(ref: MailboxRef, device: DeviceId): Promise<void> {
    const key = keyOf(ref, device);
    const trace = this.#traces.get(key);
    this.#traces.delete(key);
    await trace?.written;
    await this.#parts.store.remove(ref, device);
    if (trace !== undefined) await this.#parts.store.deleteSetting(ref, device);
  }

  /** Waits for what is being written. */
  async stop(): Promise<void> {
    await Promise.all([...this.#traces.values()].map(({ written }) => written));
  }

  #begin(setting: TraceSetting): void {
    const written = Promise.resolve();
    this.#traces.set(keyOf(setting.ref, setting.device), {
      setting,
      bytes: undefined,
      waiting: 0,
      missed: 0,
      written,
    });
  }

  async #write(trace: Trace, request: TracedRequest): Promise<void> {
    const { store } = this.#parts;
    const { ref, device } = trace.setting;
    const before = trace.bytes ?? (await store.size(ref, device));
    let bytes = before + (await store.add(ref, device, request));
    if (bytes > maxTraceBytes) bytes -= await store.removeOldest(ref, device, bytes - maxTraceBytes);
    trace.bytes = bytes;
  }

  /** There are few of them, and somebody has just switched another one on, or the server. */
  async #dropOld(): Promise<void> {
    const oldestMs = this.#parts.clock.now() - keptMs;
    for (const { setting } of [...this.#traces.values()]) {
      if (setting.untilMs >= oldestMs) continue;
      const { ref, device } = setting;
      try {
        await this.forget(ref, device);
      } catch (err) {
        // Its organisation is gone, with the keys of its rows.
        this.#parts.log.error('device.trace.failed', { err });
        await this.#parts.store.deleteSetting(ref, device);
      }
    }
  }
}

function keyOf({ mailbox }: MailboxRef, device: DeviceId): string {
  return `${mailbox}/${device}`;
}
