import type { Readable } from 'node:stream';
import type { Config } from '#config/config';
import type { Phone, PhoneOptions } from './doctor/phone.ts';

/** Terminal is what the commands see of the process that runs them. */
export interface Terminal {
  readonly stdin: Readable;
  /** To standard output: results. */
  print(text: string): void;
  /** To standard error: what went wrong. */
  complain(text: string): void;
  /** Whether what is printed may be coloured. */
  readonly hasColours?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths count from. */
  readonly cwd: string;
  /** Runs the server until it is told to stop; the process ends with it. */
  serve(config: Config): Promise<never>;
  /** A new phone of somebody; it ends what it asks when the signal is aborted. */
  visit(options: PhoneOptions, signal: AbortSignal): Promise<Phone>;
}

/** CliError is a failure told in one sentence that says what to do; the process exits with 1. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

/** UsageError is a call that cannot be meant; the process exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
