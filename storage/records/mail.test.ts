import { expect, test } from 'vitest';
import type { DeviceId, FolderId } from '#domain/ids';
import { newItem } from '#test/support/new-item';
import { detailCodec, hierarchyCodec, type ItemRecord, itemCodec, usageCodec } from './mail.ts';
import { pack } from './packed.ts';
import { outboundCodec } from './queue.ts';

const { detail: itemDetail, body: _body, ...rest } = newItem('Hi', 1_000);
const record: ItemRecord = { ...rest, added: 1, changed: 1, body: { kind: 'inline' } };
const verdicts = {
  spf: { result: 'pass', domain: 'a.example' },
  scan: { action: 'junk', score: 7.25 },
  junk: 'scanner',
} as const;

test.each<[string, Partial<ItemRecord>]>([
  ['alone', {}],
  ['with a file', { body: { kind: 'blob', id: Uint8Array.of(1, 2) } }],
  [
    'with a file and what stands around it',
    { body: { kind: 'blob', id: Uint8Array.of(1, 2), isFramed: true } },
  ],
])('an item comes back as it was, with verdicts and without, as Bcc and not: %s', (_name, more) => {
  const inBcc = { receivedAsBcc: true } as const;
  for (const one of [{}, { verdicts }, inBcc, { verdicts, ...inBcc }]) {
    const item = { ...record, ...one, ...more };
    const read = itemCodec.decode(itemCodec.encode(item), 1);
    expect(read).toMatchObject({ ...item, body: { kind: item.body.kind } });
    expect([read.verdicts, read.receivedAsBcc]).toEqual([item.verdicts, item.receivedAsBcc]);
    expect(itemCodec.encode(read)).toEqual(itemCodec.encode(item));
  }
});

test('a part that stands inside another comes back as it was, and one of before TNEF was read', () => {
  const [part] = itemDetail.parts;
  if (part === undefined) throw new Error('no part');
  const inside = [{ from: 5, to: 9 }, { from: 0, to: 70_000, form: 'rtf' } as const, undefined];
  const parts = inside.map((one) => (one === undefined ? part : { ...part, inside: one }));
  const detail = { ...itemDetail, parts };
  const { detail: read } = detailCodec.decode(detailCodec.encode({ detail, envelope: undefined }), 1);
  expect(read.parts.map((one) => one.inside)).toEqual(inside);
  const old = pack([[['1', 'text/plain', null, '7bit', 3, 9, 6, null]], [0], [], 'Old', null]);
  expect(detailCodec.decode(old, 1).detail.parts).toEqual([{ ...part, start: 3, end: 9, size: 6 }]);
});

test('a row of before verdicts is read', () => {
  const envelope = [[], null, [], [], [], [], 'Hi', null, null, null, [], ''];
  const marks = [true, null, [], null, null];
  const old = [1_000, 1, 1, 60, envelope, 1, '', Uint8Array.of(1), Uint8Array.of(2), [], false, marks, null];
  const read = itemCodec.decode(pack(old), 1);
  expect(read).toMatchObject({ receivedMs: 1_000, body: { kind: 'inline' }, marks: { read: true } });
  expect(read.verdicts).toBeUndefined();
});

test('a queued mail of before signatures is nobody’s who signed in', () => {
  const old = { kind: 'mail', reversePath: 'alice@ours.example', size: 10, skip: 0, recipients: [] };
  expect(outboundCodec.decode(pack(old), 1)).toEqual({ ...old, isAuthenticated: false });
  expect(outboundCodec.decode(pack({ ...old, isAuthenticated: true }), 1).isAuthenticated).toBe(true);
});

test('a change of the folder tree comes back as it was, with where a folder stood, and rows of before that are read', () => {
  const moved = { kind: 2, folder: 12 as FolderId, movedFrom: 3 as FolderId } as const;
  const change = {
    device: 'phone' as DeviceId,
    changes: [{ kind: 1, folder: 11 as FolderId }, moved],
  } as const;
  expect(hierarchyCodec.decode(hierarchyCodec.encode(change), 1)).toEqual(change);
  const old = hierarchyCodec.decode(pack([null, [[1, 11]]]), 1);
  expect(old).toEqual({ device: undefined, changes: [{ kind: 1, folder: 11 }] });
});

test('usage without a word of moved conversations, as older versions wrote it, is read', () => {
  const usage = { bytes: 5, items: 2, nextFolder: 11 };
  const written = pack([5, 2, 11]);
  expect(usageCodec.encode(usage)).toEqual(written);
  expect(usageCodec.decode(written, usageCodec.version)).toEqual(usage);
  const warned = { ...usage, warnedAtBytes: 7 };
  expect(usageCodec.decode(usageCodec.encode(warned), 1)).toEqual(warned);
  const moved = { ...usage, hasMoves: true } as const;
  const both = { ...moved, warnedAtBytes: 7 };
  expect(usageCodec.decode(usageCodec.encode(both), 1)).toEqual(both);
  expect(usageCodec.decode(usageCodec.encode(moved), usageCodec.version)).toEqual(moved);
});
