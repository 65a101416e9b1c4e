import { describe, expect, it } from 'vitest';
import type { MailboxId, OrganizationId } from '#domain/ids';
import {
  blobPart,
  entityIdOf,
  idBytes,
  key,
  mailboxPart,
  maxKeyBytes,
  organizationIdOf,
  organizationPart,
  prefixRange,
  queuePart,
  queueShards,
  systemPart,
  u8,
  u16,
  u32,
  u64,
} from './keys.ts';

const hex = '00112233445566778899aabbccddeeff';
const org = `m-${hex}` as OrganizationId;
const uuid = '00112233-4455-6677-8899-aabbccddeeff';

describe('keys', () => {
  it('sort as their tuples do, at every width', () => {
    const numbers = [0, 1, 9, 10, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40];
    for (const [type, max] of [
      [u8, 2 ** 8],
      [u16, 2 ** 16],
      [u32, 2 ** 32],
      [u64, 2 ** 53],
    ] as const) {
      const fitting = [...numbers, max - 1].filter((n) => n < max).sort((a, b) => a - b);
      const keys = fitting.map((n) => key('x', type(n), u8(7)));
      expect([...keys].sort(Buffer.compare)).toEqual(keys);
      expect(keys.map((k) => type.read(k, 1))).toEqual(fitting);
      expect(keys[0]?.length).toBe(1 + type.width + 1);
    }
  });

  it('hold raw bytes between numbers', () => {
    expect(key('a', u16(0x0102), Buffer.from('xy'), u8(3)).toString('hex')).toBe('610102787903');
    expect(key(0x7a).toString()).toBe('z');
  });

  it('refuse what a field cannot hold', () => {
    for (const make of [
      () => u8(256),
      () => u8(-1),
      () => u32(1.5),
      () => u64(2 ** 53),
      () => u16(Number.NaN),
    ]) {
      expect(make).toThrow(RangeError);
    }
    expect(() => u32.read(key('a', u8(1)), 1)).toThrow(RangeError);
  });

  it('a prefix range holds exactly what begins with the prefix', () => {
    const inside = (p: Buffer, k: Buffer) => {
      const { gte, lt } = prefixRange(p);
      return Buffer.compare(k, gte) >= 0 && Buffer.compare(k, lt) < 0;
    };
    for (const prefix of ['61', '61ff', 'ff', 'ffff', '', '61feff']) {
      for (const k of [
        '60',
        '61',
        '6100',
        '61ff',
        '61ff00',
        '61fe',
        '61feff',
        '61feff01',
        '62',
        'ff',
        'ff01',
        'ffff',
      ]) {
        expect([prefix, k, inside(Buffer.from(prefix, 'hex'), Buffer.from(k, 'hex'))]).toEqual([
          prefix,
          k,
          k.startsWith(prefix),
        ]);
      }
    }
    expect(inside(Buffer.alloc(0), Buffer.alloc(maxKeyBytes, 0xff))).toBe(true);
  });
});

describe('ids', () => {
  it('are the 16 bytes of every form the API shows, and back', () => {
    for (const id of [org, uuid, `r-${hex}`, hex]) {
      expect(idBytes(id).toString('hex')).toBe(hex);
    }
    expect(organizationIdOf(idBytes(org))).toBe(org);
    expect(entityIdOf(idBytes(uuid))).toBe(uuid);
    const resource = `r-${hex.slice(0, 16)}e8${hex.slice(18)}`;
    expect(entityIdOf(idBytes(resource))).toBe(resource);
  });

  it('of another form are refused', () => {
    for (const id of ['', 'm-00', `x-${hex}`, hex.toUpperCase(), `${uuid}0`, `m-${hex}\n`]) {
      expect(() => idBytes(id)).toThrow(RangeError);
    }
    expect(() => organizationIdOf(Buffer.alloc(15))).toThrow(RangeError);
  });
});

describe('partitions', () => {
  it('are told apart by their bytes, and none is a prefix of another', () => {
    const parts = [
      systemPart(),
      organizationPart(org),
      mailboxPart(org, uuid as MailboxId),
      blobPart(org, 0),
      blobPart(org, 255),
      queuePart(0),
      queuePart(queueShards - 1),
    ];
    for (const a of parts) {
      expect(Buffer.from(a.bytes).toString('latin1')).toBe(a.name);
      expect(parts.filter((b) => b.name.startsWith(a.name))).toEqual([a]);
    }
    expect(() => queuePart(queueShards)).toThrow(RangeError);
  });

  it('know whose key seals their rows', () => {
    expect(mailboxPart(org, uuid as MailboxId).organization).toBe(org);
    expect(queuePart(3).organization).toBeUndefined();
  });
});
