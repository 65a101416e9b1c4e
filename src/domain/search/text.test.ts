import { describe, expect, test } from 'vitest';
import { patternOf, searchable } from './text.ts';

function finds(query: string, text: string): boolean {
  const pattern = patternOf(query);
  return pattern !== undefined && searchable(text).includes(pattern);
}

describe('a text is found', () => {
  test.each([
    ['gru', 'Viele Grüße'],
    ['GRÜSSE', 'viele grüße'],
    ['grusse', 'viele Grüße'],
    ['resume', 'My Résumé.pdf'],
    ['cafe\u0301', 'Café'],
    ['ørsted', 'Orsted'],
    ['lodz', 'Łódź'],
    ['istanbul', 'İSTANBUL'],
    ['σοφος', 'ΣΟΦΌΣ'],
    ['ёлка', 'Елка'],
    ['alice@example.com', 'Alice <alice@example.com>'],
    ['example.com', 'alice@example.com'],
    ['foo-bar', 'about foo bar'],
    ['v1.2', 'release v1.2.3'],
    ['hello world', 'Hello,\r\n> world!'],
    ['hello wor', 'hello world'],
    ['会議', '来週の会議について'],
    ['ガイド', '旅行ガイド'],
    ['手机', '新手机壳'],
    ['iphone手机', '买iPhone 手机'],
    ['スマホ', 'ｽﾏﾎ'],
    ['ｈｅｌｌｏ', 'hello'],
    ['กรุงเทพ', 'ไปกรุงเทพมหานคร'],
    ['서울', '서울에서'],
    ['שלום', 'שָׁלוֹם'],
    ['🎉', 'Party🎉!'],
    ['ﬁne', 'fine'],
    ['STRASSE', 'Hauptstraße Straße'],
    ['straße', 'GROẞE STRAẞE'],
    ['IŞIK', 'ışık'],
    ['ısparta', 'ISPARTA'],
    ['donaudampf', 'Donau\u00addampf\u00adschiff'],
    ['Donau\u00addampf', 'donaudampfschiff'],
    ['نمیخواهم', 'نمی\u200cخواهم'],
    ['مرحبا', 'مـــرحبا'],
    ['علي', 'على'],
    ['کتاب', 'كتاب'],
    ['سيارة', 'سياره'],
    ['أحمد', 'احمد'],
    ['\u200fשלום\u200e', 'שלום עולם'],
    ['invoice', '\u202dinvoice\u202c'],
    ['❤', 'I ❤\ufe0f you'],
    ['❤\ufe0f', 'I ❤ you'],
    ['葛城', '葛\u{e0100}城市'],
    ['👨\u200d👩', '👨\u200d👩\u200d👧'],
    ['한국어', '한국어를'],
    ['한국', '한국'.normalize('NFD')],
    ['2026-11', '2026-11-23'],
    ['+49 89', '+49 (89) 1234'],
  ])('%s in %s', (query, text) => expect(finds(query, text)).toBe(true));
});

describe('a text is not found', () => {
  test.each([
    ['rüße', 'Grüße'],
    ['hello', 'Othello'],
    ['world hello', 'hello world'],
    ['hello world', 'hello big world'],
    ['議会', '会議'],
    ['한', '대한'],
    ['...', 'a. b. c...'],
    ['.*', 'anything'],
  ])('%s in %s', (query, text) => expect(finds(query, text)).toBe(false));
});

test('nothing but signs is no pattern', () => {
  for (const text of ['', '   ', '(.*)+$', '"\'', '——']) expect(patternOf(text)).toBeUndefined();
});

test('a megabyte is made searchable in one go, whatever it is', () => {
  for (const piece of ['a', 'ä', '手', '\u0301', ' ', '.', '\ud800', '🎉', '\u{1f468}\u200d']) {
    const text = piece.repeat(1024 * 1024);
    expect(searchable(text).length).toBeLessThanOrEqual(2 * text.length + 2);
  }
});
