/** What tests of a store share: partitions, folders, rows and numbers. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MailboxId, OrganizationId } from '#domain/ids';
import { key, mailboxPart, prefixRange, u64 } from './keys.ts';
import type { Bytes, Part, Range, Reader } from './store.ts';

const organization = `m-${'a'.repeat(32)}` as OrganizationId;

/** The partition of the numbered mailbox. */
export function testPart(number: number): Part {
  return mailboxPart(organization, number.toString(16).padStart(32, '0') as MailboxId);
}

/** A folder that is gone after the test. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mailstead-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** All rows of a range, page by page. */
export async function allRows(reader: Reader, p: Part, range: Range): Promise<(readonly [Bytes, Bytes])[]> {
  const rows: (readonly [Bytes, Bytes])[] = [];
  for (let rest: Range | undefined = range; rest; ) {
    const page = await reader.page(p, rest);
    rows.push(...page.rows);
    rest = page.next && (range.reverse ? { ...rest, lt: page.next } : { ...rest, gte: page.next });
  }
  return rows;
}

/** The number in an 8 byte value, 0 without one. */
export function numberIn(value: Bytes | undefined): number {
  return value ? u64.read(value, 0) : 0;
}

/** An 8 byte value. */
export function eightBytes(number: number): Bytes {
  return key('n', u64(number)).subarray(1);
}

/** All rows of a partition. */
export const everything = prefixRange(new Uint8Array());

/** Whole numbers below `below`, the same at every run. */
export function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    // The "minimal standard" generator of Park and Miller.
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}
