import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { type Config, toConfig } from './config.ts';
import { overlayEnvironment } from './environment.ts';
import { type Settings, settingsSchema } from './schema.ts';

/** Where settings come from. */
export interface ConfigSource {
  /** The file named by `--config`; else MAILSTEAD_CONFIG, else `mailstead.toml` if there is one. */
  readonly file?: string | undefined;
  /** The directory named by `--data`: it beats file and environment. */
  readonly data?: string | undefined;
  /** False, by `--no-quick-setup`: it beats file and environment too. */
  readonly quickSetup?: boolean | undefined;
  /** True, by `--accept-lost-commits`: for one start, so no setting of the file. */
  readonly acceptLostCommits?: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths count from: where the user stands. */
  readonly cwd: string;
}

/** ConfigError lists everything wrong with the settings, a line each: `✖ Unrecognized key: "prot" → at smtp`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/** loadConfig reads file and environment. Throws ConfigError with every fault found. */
export function loadConfig(source: ConfigSource): Config {
  return {
    ...toConfig(loadSettings(source), source.cwd),
    acceptLostCommits: source.acceptLostCommits === true,
  };
}

/** loadSettings gives the effective settings in the file's names. Throws ConfigError with every fault found. */
export function loadSettings({ file, data, quickSetup, env, cwd }: ConfigSource): Settings {
  const { settings, variables } = overlayEnvironment(
    readSettingsFile(file ?? env['MAILSTEAD_CONFIG'], cwd),
    env,
  );
  if (data !== undefined) settings['data'] = data;
  if (quickSetup !== undefined) settings['quick_setup'] = quickSetup;
  const result = settingsSchema.safeParse(settings);
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.map((issue) => describeFault(issue, variables)));
}

function readSettingsFile(named: string | undefined, cwd: string): Record<string, unknown> {
  const path = resolve(cwd, named ?? 'mailstead.toml');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT' && named === undefined) return {};
    throw new ConfigError([`✖ The configuration file cannot be read (${code}) → at ${path}`]);
  }
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ''] = error.message.split('\n');
    throw new ConfigError([`✖ ${what} → at ${path}:${error.line}:${error.column}`]);
  }
}

function describeFault(issue: z.core.$ZodIssue, variables: ReadonlyMap<string, string>): string {
  const steps = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`));
  const path = steps.join('').replace(/^\./, '');
  const variable = variables.get(issue.path.filter((step) => typeof step === 'string').join('.'));
  const from = variable === undefined ? '' : ` (${variable})`;
  return `✖ ${messageOf(issue)}${path === '' ? '' : ` → at ${path}`}${from}`;
}

/** A setting that takes "" or a URL has two refusals; the one about the URL helps. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_union') return issue.message;
  return issue.errors[0]?.[0]?.message ?? issue.message;
}
