import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { OrganizationId } from '#domain/ids';
import { KeyRing } from './key-ring.ts';
import { openPlain, plain, Sealer } from './seal.ts';
import type { Part } from './store.ts';

const acme = `m-${'a'.repeat(32)}` as OrganizationId;
const other = `m-${'b'.repeat(32)}` as OrganizationId;

function partOf(name: string, organization: OrganizationId | undefined): Part {
  return { bytes: Buffer.from(name, 'latin1'), name, organization };
}

function newSealer() {
  const ring = new KeyRing(createSecretKey(randomBytes(32)));
  for (const owner of [acme, other, undefined]) ring.add(owner, ring.create(owner));
  return { ring, sealer: new Sealer(ring) };
}

const part = partOf('M\u00ff1', acme);
const key = Buffer.from('i0001');
const notAuthentic = expect.objectContaining({ name: 'SealError', code: 'not-authentic' });
const malformed = expect.objectContaining({ name: 'SealError', code: 'malformed' });
const unknownKey = expect.objectContaining({ name: 'SealError', code: 'unknown-key' });

describe('a sealed value', () => {
  it.each([0, 1, 15, 300, 65_536])('of %i bytes comes back, 32 bytes longer at rest', (size) => {
    const { sealer } = newSealer();
    const body = randomBytes(size);
    const value = sealer.seal(part, key, 7, body);
    expect(value).toHaveLength(size + 32);
    expect([...value.subarray(0, 4)]).toEqual([1, 7, 0, 1]);
    const opened = sealer.open(part, key, value);
    expect(opened.codec).toBe(7);
    expect(body.equals(opened.body)).toBe(true);
  });

  it('opens from any view of memory, and never seals twice to the same bytes', () => {
    const { sealer } = newSealer();
    const value = sealer.seal(part, key, 1, Buffer.from('hello'));
    const moved = new Uint8Array(value.length + 5);
    moved.set(value, 3);
    const { body } = sealer.open(part, key, moved.subarray(3, 3 + value.length));
    expect(Buffer.from(body).toString()).toBe('hello');
    const seen = new Set<string>();
    for (let i = 0; i < 2_000; i++) {
      seen.add(Buffer.from(sealer.seal(part, key, 1, body).subarray(4, 16)).toString('hex'));
    }
    expect(seen.size).toBe(2_000);
  });

  it('cannot be moved to another key, partition or organisation', () => {
    const { sealer } = newSealer();
    const value = sealer.seal(part, key, 1, Buffer.from('hello'));
    expect(() => sealer.open(part, Buffer.from('i0002'), value)).toThrow(notAuthentic);
    expect(() => sealer.open(part, Buffer.from('i00011'), value)).toThrow(notAuthentic);
    expect(() => sealer.open(partOf('M\u00ff2', acme), key, value)).toThrow(notAuthentic);
    expect(() => sealer.open({ ...part, organization: other }, key, value)).toThrow(notAuthentic);
    expect(() => sealer.open({ ...part, organization: undefined }, key, value)).toThrow(notAuthentic);
    // The same bytes, cut elsewhere between partition and key.
    expect(() => sealer.open(partOf('M\u00ff1i', acme), key.subarray(1), value)).toThrow(notAuthentic);
  });

  it('shows every changed byte, and every truncation', () => {
    const { sealer } = newSealer();
    const value = sealer.seal(part, key, 1, Buffer.from('hello'));
    for (let i = 0; i < value.length; i++) {
      const changed = Buffer.from(value);
      changed[i] = (changed[i] ?? 0) ^ 0x40;
      const expected = i === 0 ? malformed : i === 2 || i === 3 ? unknownKey : notAuthentic;
      expect(() => sealer.open(part, key, changed)).toThrow(expected);
      expect(() => sealer.open(part, key, value.subarray(0, i))).toThrow(i < 32 ? malformed : notAuthentic);
    }
  });

  it('opens after the data key was rotated, and not after it was destroyed', () => {
    const { ring, sealer } = newSealer();
    const value = sealer.seal(part, key, 1, Buffer.from('hello'));
    ring.add(acme, ring.create(acme));
    expect(sealer.seal(part, key, 1, Buffer.from('hello'))[3]).toBe(2);
    expect(Buffer.from(sealer.open(part, key, value).body).toString()).toBe('hello');
    ring.forget(acme);
    expect(() => sealer.open(part, key, value)).toThrow(unknownKey);
    // A new key for the same organisation does not bring the old data back.
    ring.add(acme, ring.create(acme));
    expect(() => sealer.open(part, key, value)).toThrow(notAuthentic);
  });
});

describe('a plain value', () => {
  it('comes back with its codec version', () => {
    expect([...plain(3, Uint8Array.of(9, 8))]).toEqual([0, 3, 9, 8]);
    expect(openPlain(plain(3, Uint8Array.of(9, 8)))).toEqual({ codec: 3, body: Uint8Array.of(9, 8) });
    expect(openPlain(plain(3, new Uint8Array())).body).toHaveLength(0);
  });

  it('does not pass for a sealed one, nor a sealed one for it', () => {
    const { sealer } = newSealer();
    expect(() => sealer.open(part, key, plain(1, randomBytes(60)))).toThrow(malformed);
    expect(() => openPlain(sealer.seal(part, key, 1, randomBytes(60)))).toThrow(malformed);
    expect(() => openPlain(new Uint8Array())).toThrow(malformed);
    expect(() => openPlain(Uint8Array.of(0))).toThrow(malformed);
  });
});
