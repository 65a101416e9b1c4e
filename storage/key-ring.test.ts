import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { OrganizationId } from '#domain/ids';
import { KeyRing } from './key-ring.ts';
import type { Part } from './store.ts';

const acme = `m-${'a'.repeat(32)}` as OrganizationId;
const other = `m-${'b'.repeat(32)}` as OrganizationId;
const master = createSecretKey(randomBytes(32));

function ringOf(...owners: (OrganizationId | undefined)[]): KeyRing {
  const ring = new KeyRing(master);
  for (const owner of owners) ring.add(owner, ring.create(owner));
  return ring;
}

function partOf(name: string, organization: OrganizationId | undefined = acme): Part {
  return { bytes: Buffer.from(name, 'latin1'), name, organization };
}

const raw = (key: KeyObject) => key.export().toString('hex');

describe('KeyRing', () => {
  it('brings back the same keys from the wrapped record', () => {
    const ring = new KeyRing(master);
    const wrapped = ring.create(acme);
    ring.add(acme, wrapped);
    const again = new KeyRing(master);
    again.add(acme, wrapped);
    expect(raw(again.valueKey(partOf('M1')).key)).toBe(raw(ring.valueKey(partOf('M1')).key));
    expect(again.nameKey(acme, 'alice')).toEqual(ring.nameKey(acme, 'alice'));
  });

  it('what stands for a name goes with the key', () => {
    const ring = ringOf(acme);
    const before = ring.nameKey(acme, 'alice');
    expect(ring.nameKey(acme, 'alice')).toEqual(before);
    ring.forget(acme);
    expect(() => ring.nameKey(acme, 'alice')).toThrow(expect.objectContaining({ name: 'SealError' }));
    ring.add(acme, ring.create(acme));
    expect(ring.nameKey(acme, 'alice')).not.toEqual(before);
    for (let n = 0; n < 10_000; n++) ring.nameKey(acme, `name ${n}`);
    expect(ring.nameKey(acme, 'alice')).toEqual(ring.nameKey(acme, 'alice'));
  });

  it('create alone changes nothing', () => {
    const ring = new KeyRing(master);
    ring.create(acme);
    expect(ring.has(acme)).toBe(false);
  });

  it('refuses a wrapped key of another organisation, another master key, or another epoch', () => {
    const wrapped = new KeyRing(master).create(acme);
    const notAuthentic = expect.objectContaining({ name: 'SealError', code: 'not-authentic' });
    expect(() => new KeyRing(master).add(other, wrapped)).toThrow(notAuthentic);
    expect(() => new KeyRing(master).add(undefined, wrapped)).toThrow(notAuthentic);
    expect(() => new KeyRing(createSecretKey(randomBytes(32))).add(acme, wrapped)).toThrow(notAuthentic);
    const later = Buffer.from(wrapped);
    later[2] = 2;
    expect(() => new KeyRing(master).add(acme, later)).toThrow(notAuthentic);
  });

  it('refuses every truncation and every changed byte of a wrapped key', () => {
    const wrapped = new KeyRing(master).create(acme);
    for (let i = 0; i < wrapped.length; i++) {
      const changed = Buffer.from(wrapped);
      changed[i] = (changed[i] ?? 0) ^ 1;
      const seal = expect.objectContaining({ name: 'SealError' });
      expect(() => new KeyRing(master).add(acme, changed)).toThrow(seal);
      expect(() => new KeyRing(master).add(acme, wrapped.subarray(0, i))).toThrow(seal);
    }
  });

  it('derives a key of its own for each partition, organisation and blob', () => {
    const ring = ringOf(acme, other, undefined);
    const salt = randomBytes(32);
    const keys = [
      ring.valueKey(partOf('M1')).key,
      ring.valueKey(partOf('M2')).key,
      ring.valueKey(partOf('M1', other)).key,
      ring.valueKey({ ...partOf('M1'), organization: undefined }).key,
      ring.blobKey(acme, 1, salt, randomBytes(32)),
      ring.blobKey(acme, 1, salt, randomBytes(32)),
    ].map(raw);
    expect(new Set(keys).size).toBe(keys.length);
    expect(ring.nameKey(acme, 'alice')).toHaveLength(16);
    expect(ring.nameKey(acme, 'alice')).not.toEqual(ring.nameKey(acme, 'bob'));
    expect(ring.nameKey(acme, 'alice')).not.toEqual(ring.nameKey(other, 'alice'));
    expect(ring.nameKey(acme, 'alice')).not.toEqual(ring.nameKey(undefined, 'alice'));
  });

  it('a new epoch seals what is new, the old one still opens, and names stay where they are', () => {
    const ring = ringOf(acme);
    const before = ring.valueKey(partOf('M1'));
    const name = ring.nameKey(acme, 'alice');
    ring.add(acme, ring.create(acme));
    const after = ring.valueKey(partOf('M1'));
    expect([before.epoch, after.epoch, ring.currentEpoch(acme)]).toEqual([1, 2, 2]);
    expect(raw(after.key)).not.toBe(raw(before.key));
    expect(raw(ring.valueKeyOfEpoch(partOf('M1'), 1))).toBe(raw(before.key));
    expect(ring.nameKey(acme, 'alice')).toEqual(name);
  });

  it('a forgotten organisation has no keys any more, also none that were derived', () => {
    const ring = ringOf(acme, other);
    ring.valueKey(partOf('M1'));
    ring.forget(acme);
    const unknown = expect.objectContaining({ name: 'SealError', code: 'unknown-key' });
    expect(() => ring.valueKey(partOf('M1'))).toThrow(unknown);
    expect(() => ring.valueKeyOfEpoch(partOf('M1'), 1)).toThrow(unknown);
    expect(() => ring.nameKey(acme, 'alice')).toThrow(unknown);
    expect(() => ring.blobKey(acme, 1, randomBytes(32), randomBytes(32))).toThrow(unknown);
    expect(() => ring.valueKey(partOf('M1', other))).not.toThrow();
  });

  it('keeps the derived keys of the partitions used last', () => {
    const ring = new KeyRing(master, { derivedKeys: 2 });
    ring.add(acme, ring.create(acme));
    const first = ring.valueKey(partOf('M1'));
    const second = ring.valueKey(partOf('M2'));
    expect(ring.valueKey(partOf('M1'))).toBe(first);
    ring.valueKey(partOf('M3'));
    expect(ring.valueKey(partOf('M1'))).toBe(first);
    expect(ring.valueKey(partOf('M2'))).not.toBe(second);
    expect(raw(ring.valueKey(partOf('M2')).key)).toBe(raw(second.key));
  });
});
