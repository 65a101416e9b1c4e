import { type DestinationStream, destination, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import type { EventName } from './events.ts';

type LogValue = string | number | boolean | null | undefined | readonly (string | number)[];

/** Names that would carry a secret or somebody's mail. The type has no place for them, and pino removes them. */
const withheld = ['password', 'passwords', 'token', 'secret', 'authorization', 'cookie', 'body'] as const;

/** LogFields are the typed fields of one event; units stand in their names (`waitMs`, `sizeBytes`). */
export type LogFields = { readonly [name in (typeof withheld)[number]]?: never } & {
  readonly [name: string]: LogValue;
};

/** Logger writes one JSON line per event. */
export interface Logger {
  debug(event: EventName, fields?: LogFields): void;
  info(event: EventName, fields?: LogFields): void;
  warn(event: EventName, fields?: LogFields): void;
  /** For our own faults: the error is logged with its stack and causes. */
  error(event: EventName, fields: { readonly err: unknown }, more?: LogFields): void;
  /** A logger whose lines also carry these fields, such as the connection's id. */
  child(fields: LogFields): Logger;
}

/** LogLevel is the least severe level that is written; `silent` writes nothing. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/**
 * createLogger makes the process's logger: `{"level","time","event",...}` to `stream`, by default standard error.
 * Lines of one turn of the event loop are written together at its end, and with them whatever went before a warning or an
 * error at once: nobody waits for the log, and the last word before a crash is there to be read.
 */
export function createLogger(level: LogLevel, stream?: DestinationStream): Logger {
  const out: Out = stream ?? standardError();
  const root = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...withheld], remove: true },
    },
    out,
  );
  return wrap(
    () => root,
    level === 'debug',
    () => out.flush?.(),
  );
}

/** What gathers lines, and lets them go by itself. */
interface Out extends DestinationStream {
  flush?(): void;
}

/** One for all loggers of the process: their lines stay in order. */
let shared: Out | undefined;

function standardError(): Out {
  shared ??= toStandardError();
  return shared;
}

function toStandardError(): Out {
  const out = destination({ dest: 2, sync: true });
  let lines = '';
  const flush = () => {
    if (lines !== '') out.write(lines);
    lines = '';
  };
  process.once('exit', flush);
  return {
    write: (line) => {
      if (lines === '') setImmediate(flush);
      lines += line;
    },
    flush,
  };
}

/** A logger is made when its first line is written: most requests write none. */
function wrap(make: () => PinoLogger, isDebug: boolean, flush: () => void): Logger {
  let made: PinoLogger | undefined;
  const line = () => {
    made ??= make();
    return made;
  };
  return {
    debug: (event, fields) => {
      if (isDebug) line().debug(fields ?? {}, event);
    },
    info: (event, fields) => line().info(fields ?? {}, event),
    warn: (event, fields) => {
      line().warn(fields ?? {}, event);
      flush();
    },
    error: (event, { err }, more) => {
      line().error({ ...more, err }, event);
      flush();
    },
    child: (fields) => wrap(() => line().child(fields), isDebug, flush),
  };
}

/** silentLogger writes nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
