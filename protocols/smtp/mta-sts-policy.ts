import type { TransportPolicy } from '#domain/transport-policy';

type Policy = Pick<TransportPolicy, 'mode' | 'mx'> & { readonly maxAgeSeconds: number };

/** Of all names together, as they are stored. */
const maxNameBytes = 32 * 1024;
/** RFC 8461 §3.2: at most about a year. */
const maxAgeSeconds = 31_557_600;

/**
 * RFC 8461 §3.2: `key: value` lines; of repeated keys but mx the first counts, unknown ones are passed over. Throws an Error
 * for what is no policy.
 */
export function parsePolicy(text: string): Policy {
  const fields = new Map<string, string>();
  const mx: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, key, text] = /^([A-Za-z0-9_.-]+)[ \t]*:(.*)$/.exec(line) ?? [];
    if (key === undefined || text === undefined) continue;
    const value = text.trim();
    if (key === 'mx') mx.push(value.toLowerCase().replace(/\.$/, ''));
    else if (!fields.has(key)) fields.set(key, value);
  }
  const mode = fields.get('mode');
  const age = fields.get('max_age') ?? '';
  if (fields.get('version') !== 'STSv1') throw new Error('The policy has no version STSv1');
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none')
    throw new Error('The policy has no known mode');
  if (!/^\d{1,10}$/.test(age)) throw new Error('The policy has no max_age');
  if (
    mx.join().length > maxNameBytes ||
    !mx.every((name) => /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(name))
  ) {
    throw new Error('The policy names something that is no mail server');
  }
  if (mx.length === 0 && mode !== 'none') throw new Error('The policy names no mail server');
  return { mode, mx, maxAgeSeconds: Math.min(Number(age), maxAgeSeconds) };
}
