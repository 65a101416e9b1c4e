/** What becomes of a good request on the way to a fuzzed one. */
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { codePages } from '#protocols/activesync/wbxml/code-pages/index';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import type { Choices } from '#test/support/choices';

const pages = codePages.map((page) => Object.values(page));

/** Values that have been wrong somewhere. */
const values: readonly string[] = [
  '',
  ' ',
  '0',
  '1',
  '2',
  '-1',
  '4',
  '8',
  '9',
  '16',
  '512',
  '513',
  '3540',
  '4294967295',
  '4294967296',
  '99999999999999999999',
  '1e3',
  '0x10',
  '1.5',
  'NaN',
  'true',
  'T',
  'null',
  'x',
  'é\u{1f600}\u2028',
  '\ud800',
  '<a>&amp;"\'',
  '%00%3a',
  '../../etc/passwd',
  '1:1',
  '1:999999999',
  '1:-1',
  '0:0',
  '1:1:1.TEXT',
  '99999999999:1',
  '__proto__',
  'constructor',
  'toString',
  '2026-11-22T08:00:00.000Z',
  '20261122T080000Z',
  '2026-13-45T99:99:99.000Z',
  '0000-00-00T00:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  '0-0',
  '5-1',
  '0-99999999999999999999',
  '-',
  'AAAA',
  '=?utf-8?B?////?=',
  'a@b, c@d; "e" <f@g',
  'Email',
  'SMS',
  'Calendar',
  'RI',
  'a'.repeat(65),
  '9'.repeat(300),
  'ä'.repeat(1025),
];
const giant = 'x'.repeat(200_000);

function anyTag(choices: Choices, near: Tag): Tag {
  const page = choices.oneIn(3) ? choices.of(pages) : pages[near.page];
  return choices.of(page ?? []) ?? near;
}

function anyValue(choices: Choices): string {
  return choices.oneIn(60) ? giant : (choices.of(values) ?? '');
}

function junk(choices: Choices, near: Tag, depth: number): Element {
  const tag = anyTag(choices, near);
  if (depth === 0 || choices.oneIn(2)) {
    return choices.oneIn(5) ? el(tag, Buffer.from(anyValue(choices))) : el(tag, anyValue(choices));
  }
  return el(tag, ...Array.from({ length: choices.below(4) }, () => junk(choices, near, depth - 1)));
}

function nested(tag: Tag, depth: number): Element {
  let inner = el(tag, 'x');
  for (let n = 0; n < depth; n++) inner = el(tag, inner);
  return inner;
}

/** Each makes another element of one. */
const changes: readonly ((element: Element, choices: Choices) => Element)[] = [
  (element, choices) => ({ ...element, children: [], opaque: undefined, text: anyValue(choices) }),
  (element, choices) => ({ ...element, text: '', children: [], opaque: Buffer.from(anyValue(choices)) }),
  (element, choices) => ({ ...element, text: anyValue(choices) }),
  (element) => el(element.tag),
  (element, choices) => ({ ...element, tag: anyTag(choices, element.tag) }),
  (element, choices) => withChildren(element, [...element.children, junk(choices, element.tag, 3)]),
  (element, choices) => withChildren(element, [junk(choices, element.tag, 2), ...element.children]),
  (element, choices) =>
    withChildren(
      element,
      element.children.filter(() => !choices.oneIn(3)),
    ),
  (element) => withChildren(element, element.children.toReversed()),
  (element) => withChildren(element, [...element.children, ...element.children]),
  (element) =>
    withChildren(
      element,
      element.children.flatMap((one) => one.children),
    ),
  (element, choices) => withChildren(element, [nested(element.tag, choices.below(80))]),
  (element) => el(element.tag, element),
  (element, choices) => {
    const one = choices.of(element.children);
    return one === undefined
      ? element
      : withChildren(element, [
          ...element.children,
          ...Array.from({ length: 2 + choices.below(choices.oneIn(20) ? 1200 : 8) }, () => one),
        ]);
  },
];

function withChildren(element: Element, children: readonly Element[]): Element {
  return { ...element, children };
}

function countOf(element: Element): number {
  return element.children.reduce((sum, one) => sum + countOf(one), 1);
}

/** Changes the element of that number, counted from the root. */
function changeAt(element: Element, at: number, change: (element: Element) => Element): Element {
  if (at === 0) return change(element);
  let left = at - 1;
  const children = element.children.map((one) => {
    const count = countOf(one);
    const isHere = left >= 0 && left < count;
    const changed = isHere ? changeAt(one, left, change) : one;
    left -= count;
    return changed;
  });
  return { ...element, children };
}

/** A document with one to four changes in it; the root mostly stays. */
function mutatedDocument(root: Element, choices: Choices): Element {
  let document = root;
  for (let n = 1 + choices.below(4); n > 0; n--) {
    const change = choices.of(changes);
    const at = choices.oneIn(12) ? 0 : 1 + choices.below(Math.max(1, countOf(document) - 1));
    if (change !== undefined) document = changeAt(document, at, (element) => change(element, choices));
  }
  return document;
}

/** Each makes other bytes of a document's. */
const breaks: readonly ((bytes: Buffer, at: number, choices: Choices) => Uint8Array)[] = [
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at, choices) => replaced(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << choices.below(8))]),
  (bytes, at, choices) => replaced(bytes, at, 1, [choices.below(256)]),
  (bytes, at, choices) => replaced(bytes, at, 0, [choices.below(256)]),
  (bytes, at, choices) => replaced(bytes, at, 1 + choices.below(8), []),
  (bytes, at, choices) => replaced(bytes, at, 0, [0x00, choices.below(256)]),
  (bytes, at) => replaced(bytes, at, 0, [0xc3, 0x8f, 0xff, 0xff, 0xff, 0x7f]),
  (bytes, at) => replaced(bytes, at, 0, [0xc3, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
  (bytes, at, choices) => replaced(bytes, at, 0, [0x02, 0x80 | choices.below(128), choices.below(128)]),
  (bytes, at) => replaced(bytes, at, 0, [0x03]),
  (bytes, at) => replaced(bytes, at, 0, [0x01]),
  (bytes, at) =>
    replaced(
      bytes,
      at,
      0,
      Array.from({ length: 200 }, () => 0x45),
    ),
  (bytes, at, choices) => replaced(bytes, at, 0, [...bytes.subarray(at, at + choices.below(40))]),
];

function replaced(bytes: Buffer, at: number, count: number, by: readonly number[]): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(by), bytes.subarray(at + count)]);
}

/** Bytes of a document with one to three breaks in them. */
export function mutatedBytes(bytes: Uint8Array, choices: Choices): Uint8Array {
  let broken = Buffer.from(bytes);
  for (let n = 1 + choices.below(3); n > 0; n--) {
    const change = choices.of(breaks);
    const at = choices.below(broken.length + 1);
    if (change !== undefined) broken = Buffer.from(change(broken, at, choices));
  }
  return broken;
}

/** Bytes at random, mostly behind a header that is right. */
function randomBytes(choices: Choices): Uint8Array {
  const header = choices.oneIn(4) ? [] : [0x03, 0x01, 0x6a, 0x00];
  return Buffer.from([...header, ...Array.from({ length: choices.below(200) }, () => choices.below(256))]);
}

/** A request in any of the ways in which it can be wrong. */
export function fuzzed(root: Element, choices: Choices): Uint8Array {
  const kind = choices.below(10);
  if (kind === 0) return randomBytes(choices);
  if (kind <= 3) return mutatedBytes(encode(root), choices);
  const document = encode(mutatedDocument(root, choices));
  return kind === 4 ? mutatedBytes(document, choices) : document;
}
