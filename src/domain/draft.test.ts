import { expect, test } from 'vitest';
import { mailWithTnef, writeTnef } from '#test/support/tnef-writer';
import { writeDraft } from './draft.ts';

test('a draft that was a message with a winmail.dat keeps the files in it, but for one that goes', async () => {
  const files = ['a.txt', 'b.txt', 'c.txt'].map((title) => ({
    title,
    data: Buffer.from(`text of ${title}`),
  }));
  const raw = mailWithTnef(writeTnef({ files }), { text: 'Words' });
  const author = {
    from: { name: 'A', address: 'a@example.test' },
    nowMs: 0,
    messageId: '<d@example.test>',
    random: { bytes: (length: number) => new Uint8Array(length).fill(1) },
  };
  const base = { raw, refs: [undefined, '0.7', undefined] };
  const written = await writeDraft(base, { addedFiles: [], removedFiles: ['2.0.3'] }, author);
  expect(written.refs).toEqual(['2.0.1', '0.7']);
  const text = Buffer.from(written.raw).toString();
  expect(text).toContain('Words');
  expect([...text.matchAll(/filename=(\S+)/g)].map(([, name]) => name)).toEqual(['a.txt', 'b.txt']);
  expect(text).not.toContain('ms-tnef');
});
