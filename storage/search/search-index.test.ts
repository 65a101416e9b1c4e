import { expect, test } from 'vitest';
import type { FolderId } from '#domain/ids';
import type { Item, NewItem } from '#domain/item';
import { allFields, type MailCondition } from '#domain/search/query';
import { scanMailbox } from '#domain/search/scan';
import { found, foundInPieces, mailOf, openSite, queryOf, textIn } from '#test/support/indexed-site';
import { tidyIndex } from './tend-index.ts';

/** Numbers that are the same for a seed. */
function dice(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below;
  };
}

const vocabulary = [
  ...[
    'alpha',
    'alphabet',
    'beta',
    'Gamma',
    'naïve',
    'naif',
    'Straße',
    'strasse',
    'Łódź',
    'x',
    'xy',
    'xyz',
    '42',
    '420',
  ],
  ...[
    '日本',
    '日本語',
    '本語',
    '東京',
    '京',
    'ひらがな',
    'ภาษาไทย',
    'привет',
    'приветствие',
    '안녕',
    '안녕하세요',
    '😀😀😁',
    'e\u0301te',
  ],
  'verylongwordthatgoesonandonandonandonuntilnobodyreadsit',
  'verylongwordthatgoesonandonandonandonandendsotherwise',
];

type Dice = (below: number) => number;

function one<T>(roll: Dice, of: readonly T[]): T {
  return of[roll(of.length)] as T;
}

function randomText(roll: Dice, words: number): string {
  const separators = [' ', ', ', '\r\n', '-', ''];
  return Array.from({ length: words }, () => one(roll, vocabulary) + one(roll, separators)).join('');
}

function randomMail(roll: Dice): NewItem {
  return mailOf({
    subject: randomText(roll, 1 + roll(3)),
    text: randomText(roll, roll(6)),
    from: `${one(roll, ['alpha', 'beta', 'xyz'])}@${one(roll, ['example.org', 'alpha.test'])}`,
    receivedMs: 1 + roll(500),
    draft: roll(20) === 0,
  });
}

function randomCondition(roll: Dice, depth = 0): MailCondition {
  const kind = roll(depth > 2 ? 5 : 9);
  if (kind < 4) {
    const text = randomText(roll, 1 + (roll(3) === 0 ? roll(3) : 0));
    const cut = roll(3) === 0 ? [...text].slice(0, 1 + roll(4)).join('') : text;
    return textIn(cut, roll(2) === 0 ? allFields : 1 << roll(6));
  }
  if (kind === 4) {
    return one<MailCondition>(roll, [
      { kind: 'received', fromMs: roll(300), untilMs: 300 + roll(300) },
      { kind: 'read' },
      { kind: 'size', least: 0, most: 60 },
    ]);
  }
  if (kind < 6) return { kind: 'not', of: randomCondition(roll, depth + 1) };
  const of = Array.from({ length: 1 + roll(3) }, () => randomCondition(roll, depth + 1));
  return { kind: kind === 6 ? 'or' : 'and', of };
}

const seeds = Number(process.env['MAILSTEAD_SEARCH_SEEDS'] ?? 2);

test.each(Array.from({ length: seeds }, (_, n) => n + 1))(
  'index and scan find the same in the same order, whatever came, moved and went meanwhile (seed %i)',
  async (seed) => {
    const roll = dice(seed);
    const site = await openSite();
    const folders = [1, 3, 4, 5] as FolderId[];
    let items: Item[] = [];
    const change = async () => {
      const item = one(roll, items);
      const kind = roll(5);
      await site.database.mail.transact([site.ref], async (of) => {
        const tx = of(site.ref);
        const now = await tx.item(item.folder, item.id);
        if (now === undefined) return;
        if (kind === 0) await tx.deleteItem(now);
        else if (kind === 1) await tx.replaceItem(now, { ...randomMail(roll), draft: now.draft });
        else if (kind === 2) await tx.markItem(now, { ...now.marks, read: true }, 1);
        else
          items[items.indexOf(item)] = await tx.moveItem(
            now,
            one(
              roll,
              folders.filter((id) => id !== now.folder),
            ),
          );
      });
      if (kind === 0) items = items.filter((other) => other !== item);
    };
    let most = 0;
    for (let round = 0; round < 12; round++) {
      for (const folder of folders) {
        const mails = Array.from({ length: roll(40) }, () => randomMail(roll));
        items.push(...(await site.add(mails, folder)));
      }
      const building = roll(4) === 0 ? undefined : site.extend();
      for (let n = roll(60); n > 0 && items.length > 0; n--) await change();
      await building;
      if (roll(4) === 0) await site.restart();
      if (roll(3) === 0) await tidyIndex(site.run, site.ref);
      most = Math.max(most, (await site.segments()).length);
      for (let n = 0; n < 6; n++) {
        const query = queryOf(
          randomCondition(roll),
          folders.filter(() => roll(3) > 0),
        );
        const expected = await found(scanMailbox, site.mailbox, query);
        const context = JSON.stringify(query);
        expect(await found(site.finder, site.mailbox, query), context).toEqual(expected);
        if (n === 0) expect(await foundInPieces(site.finder, site.mailbox, query), context).toEqual(expected);
      }
    }
    expect(most).toBeGreaterThan(2);
    expect(items.length).toBeGreaterThan(100);
  },
  120_000,
);
