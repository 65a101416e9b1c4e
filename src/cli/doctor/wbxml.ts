/** Just enough WBXML (MS-ASWBXML) for the few documents of a device that only looks. */

/** A tag by its code page and token. */
export interface Tag {
  readonly page: number;
  readonly token: number;
}

/** An element: its children, or its text. */
export interface Node extends Tag {
  readonly text: string;
  readonly children: readonly Node[];
}

const SWITCH_PAGE = 0x00;
const END = 0x01;
const STR_I = 0x03;
const OPAQUE = 0xc3;
const HAS_CONTENT = 0x40;
const maxDepth = 32;

/** version 1.3, unknown public identifier, UTF-8, no string table. */
const header = [0x03, 0x01, 0x6a, 0x00];

/** node makes an element to write. */
export function node(tag: Tag, content: string | readonly Node[] = []): Node {
  return typeof content === 'string'
    ? { ...tag, text: content, children: [] }
    : { ...tag, text: '', children: content };
}

/** encode writes a document. */
export function encode(root: Node): Buffer {
  const bytes = [...header];
  let current = 0;
  const write = ({ page, token, text, children }: Node) => {
    if (page !== current) bytes.push(SWITCH_PAGE, page);
    current = page;
    const isEmpty = text === '' && children.length === 0;
    bytes.push(isEmpty ? token : token | HAS_CONTENT);
    if (text !== '') bytes.push(STR_I, ...Buffer.from(text), 0);
    for (const child of children) write(child);
    if (!isEmpty) bytes.push(END);
  };
  write(root);
  return Buffer.from(bytes);
}

/** decode reads a document. Throws an Error for what is none. */
export function decode(bytes: Uint8Array): Node {
  const reader = new Reader(bytes);
  return reader.document();
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = header.length;
  #page = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  document(): Node {
    if (header.some((byte, at) => this.#bytes[at] !== byte)) throw broken();
    return this.#element(this.#token(), 0);
  }

  /** The next token that is no change of the code page. */
  #token(): number {
    for (;;) {
      const token = this.#byte();
      if (token !== SWITCH_PAGE) return token;
      this.#page = this.#byte();
    }
  }

  #element(token: number, depth: number): Node {
    if (depth > maxDepth) throw broken();
    const tag = { page: this.#page, token: token & 0x3f };
    if ((token & HAS_CONTENT) === 0) return node(tag);
    const children: Node[] = [];
    let text = '';
    for (;;) {
      const next = this.#token();
      if (next === END) return { ...tag, text, children };
      if (next === STR_I) text += this.#string();
      else if (next === OPAQUE) text += this.#opaque();
      else children.push(this.#element(next, depth + 1));
    }
  }

  #string(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw broken();
    const text = Buffer.from(this.#bytes.subarray(this.#at, end)).toString();
    this.#at = end + 1;
    return text;
  }

  #opaque(): string {
    let length = 0;
    let byte: number;
    do {
      byte = this.#byte();
      length = length * 128 + (byte & 0x7f);
      if (length > this.#bytes.length) throw broken();
    } while (byte >= 0x80);
    const text = Buffer.from(this.#bytes.subarray(this.#at, this.#at + length)).toString();
    this.#at += length;
    return text;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw broken();
    return byte;
  }
}

function broken(): Error {
  return new Error('the answer is no document of ActiveSync');
}

/** find gives the element at the end of a path below another. */
export function find(from: Node | undefined, ...path: readonly Tag[]): Node | undefined {
  let found = from;
  for (const { page, token } of path) {
    found = found?.children.find((child) => child.page === page && child.token === token);
  }
  return found;
}
