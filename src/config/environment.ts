import { z } from 'zod';
import { settingsSchema } from './schema.ts';

/** EnvironmentSetting is one setting that an environment variable can give. */
interface EnvironmentSetting {
  readonly variable: string;
  readonly path: readonly string[];
  readonly kind: 'text' | 'boolean' | 'number' | 'list';
}

/** environmentSettings are all scalar and list settings with their variable: `MAILSTEAD_` + path in upper case. */
const environmentSettings: readonly EnvironmentSetting[] = walk(settingsSchema, []);

/** overlayEnvironment puts what the environment sets over the file's settings, and says which paths came from where. */
export function overlayEnvironment(
  file: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): { readonly settings: Record<string, unknown>; readonly variables: ReadonlyMap<string, string> } {
  const settings = structuredClone(file) as Record<string, unknown>;
  const variables = new Map<string, string>();
  for (const { variable, path, kind } of environmentSettings) {
    const text = env[variable];
    if (text === undefined) continue;
    put(settings, path, readValue(text, kind));
    variables.set(path.join('.'), variable);
  }
  return { settings, variables };
}

function readValue(text: string, kind: EnvironmentSetting['kind']): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'number':
      return /^-?\d+$/.test(text.trim()) ? Number(text) : text;
    case 'list':
      return text.trim() === '' ? [] : text.split(',').map((part) => part.trim());
  }
}

/** Where the file has something else than a table in the way, the file's fault is reported and the variable waits. */
function put(settings: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let table: unknown = settings;
  for (const name of path.slice(0, -1)) {
    if (!isTable(table)) return;
    table[name] ??= {};
    table = table[name];
  }
  const last = path.at(-1);
  if (isTable(table) && last !== undefined) table[last] = value;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function walk(schema: unknown, path: readonly string[]): EnvironmentSetting[] {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) {
    return Object.entries(inner.shape).flatMap(([name, member]) => walk(member, [...path, name]));
  }
  const kind = kindOf(inner);
  if (kind === undefined) return [];
  return [{ variable: `MAILSTEAD_${path.join('_').toUpperCase()}`, path, kind }];
}

function unwrapped(schema: unknown): unknown {
  const wraps = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return wraps ? unwrapped(schema.unwrap()) : schema;
}

/** Undefined: a list of tables, which no variable can hold. */
function kindOf(schema: unknown): EnvironmentSetting['kind'] | undefined {
  if (schema instanceof z.ZodArray)
    return unwrapped(schema.element) instanceof z.ZodObject ? undefined : 'list';
  if (schema instanceof z.ZodBoolean) return 'boolean';
  return schema instanceof z.ZodNumber ? 'number' : 'text';
}
