import type { Tag } from './code-page.ts';

/**
 * One element of a document: its children, its text, its OPAQUE bytes.
 * MS-ASWBXML gives an element one of the three; more than one survives encoding in that order: text, bytes, children.
 */
export interface Element {
  readonly tag: Tag;
  readonly children: readonly Element[];
  /** The inline strings, joined; '' when there are none. */
  readonly text: string;
  /** The OPAQUE value. From a decoded document it is a view of the document's bytes, not a copy. */
  readonly opaque: Uint8Array | undefined;
}

/** What `el` takes: an element, a text or number, a boolean (as 1 or 0), bytes (as OPAQUE); undefined is left out. */
export type Content = Element | string | number | boolean | Uint8Array | undefined;

const NO_CHILDREN: readonly Element[] = [];

/** Builds an element. No content, or only empty text, makes an empty element, which is encoded as a bare token. */
export function el(tag: Tag, ...content: readonly Content[]): Element {
  let text = '';
  let opaque: Uint8Array | undefined;
  let children: Element[] | undefined;
  for (const part of content) {
    if (part === undefined) continue;
    if (typeof part === 'string') text += part;
    else if (typeof part === 'number') text += String(part);
    else if (typeof part === 'boolean') text += part ? '1' : '0';
    else if (part instanceof Uint8Array) opaque = opaque === undefined ? part : Buffer.concat([opaque, part]);
    else if (children === undefined) children = [part];
    else children.push(part);
  }
  return { tag, children: children ?? NO_CHILDREN, text, opaque };
}

/** The first element at the end of a path of tags, each the first child of that tag; undefined when there is none. */
export function child(parent: Element | undefined, ...path: readonly Tag[]): Element | undefined {
  let element = parent;
  for (const tag of path) {
    if (element === undefined) return undefined;
    element = element.children.find((candidate) => candidate.tag === tag);
  }
  return element;
}

/** All children with a tag, in order; none when the parent is missing. */
export function childrenOf(parent: Element | undefined, tag: Tag): readonly Element[] {
  if (parent === undefined) return NO_CHILDREN;
  return parent.children.filter((candidate) => candidate.tag === tag);
}

/** Whether there is an element at the end of a path of tags, empty or not. */
export function has(parent: Element | undefined, ...path: readonly Tag[]): boolean {
  return child(parent, ...path) !== undefined;
}

/** An element's text. Clients may send a string as OPAQUE: it is then read as UTF-8. */
export function text(element: Element): string {
  if (element.text !== '' || element.opaque === undefined) return element.text;
  return asBuffer(element.opaque).toString('utf8');
}

/** The text at the end of a path of tags: '' when the element is empty, undefined when it is missing. */
export function textOf(parent: Element | undefined, ...path: readonly Tag[]): string | undefined {
  const element = child(parent, ...path);
  return element === undefined ? undefined : text(element);
}

/** The bytes at the end of a path of tags: its OPAQUE value, or its text as UTF-8; undefined when it is missing. */
export function bytesOf(parent: Element | undefined, ...path: readonly Tag[]): Uint8Array | undefined {
  const element = child(parent, ...path);
  return element === undefined ? undefined : (element.opaque ?? Buffer.from(element.text, 'utf8'));
}

/**
 * The integer at the end of a path of tags (MS-ASDTYPE, integer data type): undefined when the element is missing
 * or empty, NaN when its text is not a whole number, so that it fails every range.
 */
export function integerOf(parent: Element | undefined, ...path: readonly Tag[]): number | undefined {
  const value = textOf(parent, ...path)?.trim();
  if (value === undefined || value === '') return undefined;
  return /^[+-]?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
}

/**
 * The boolean at the end of a path of tags (MS-ASDTYPE, boolean data type): an empty element means true;
 * undefined when the element is missing. Clients also write the words true and false.
 */
export function flagOf(parent: Element | undefined, ...path: readonly Tag[]): boolean | undefined {
  const value = textOf(parent, ...path)?.trim();
  return value === undefined ? undefined : value !== '0' && value.toLowerCase() !== 'false';
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
