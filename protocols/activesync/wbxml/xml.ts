import type { Tag } from './code-page.ts';
import { AirSyncBase } from './code-pages/air-sync-base.ts';
import { ComposeMail } from './code-pages/compose-mail.ts';
import { Contacts } from './code-pages/contacts.ts';
import { Email } from './code-pages/email.ts';
import { GAL } from './code-pages/gal.ts';
import { ItemOperations } from './code-pages/item-operations.ts';
import { ResolveRecipients } from './code-pages/resolve-recipients.ts';
import { Search } from './code-pages/search.ts';
import { Settings } from './code-pages/settings.ts';
import { type Element, textOf } from './element.ts';

/** Of a text, in characters. */
const maxText = 1024;
/** Of the header of a message, in bytes. */
const maxHeader = 4096;
/** Of bytes that nobody knows. */
const maxOpaque = 32;

/** Nothing in them is shown, wherever a client puts it, but for the Status of an answer. */
const secrets: ReadonlySet<Tag> = new Set([
  Settings.DevicePassword,
  Settings.Password,
  Search.Password,
  ItemOperations.Password,
]);
/** Attachments and photos. */
const files: ReadonlySet<Tag> = new Set([
  ItemOperations.Data,
  AirSyncBase.Content,
  GAL.Data,
  Contacts.Picture,
  ResolveRecipients.Data,
]);
const messages: ReadonlySet<Tag> = new Set([ComposeMail.Mime, Email.MIMEData]);
/** MS-ASAIRS, Type (Body): the Data beside it is a message. */
const mimeType = '4';

/**
 * A document as XML, for people: long texts are cut, of a message there is the header only, passwords and the bytes of files
 * are left out. Ends after about `maxChars` characters.
 */
export function toXml(root: Element, maxChars: number): string {
  const writer = new XmlWriter(root.tag, maxChars);
  writer.write(root, undefined, '');
  return writer.written(root);
}

/** A message as its header, cut, and how much follows; for people. */
export function headerOfMessage(raw: Uint8Array): string {
  const first = Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.byteLength, maxHeader));
  const end = /\r?\n\r?\n/.exec(first.toString('latin1'))?.index ?? first.length;
  return `${escaped(first.toString('utf8', 0, end))}\n${leftOut(raw.byteLength - end, 'bytes')}`;
}

class XmlWriter {
  readonly #lines: string[] = [];
  readonly #own: string;
  readonly #others = new Set<string>();
  #left: number;
  #isFull = false;

  constructor({ namespace }: Tag, maxChars: number) {
    this.#own = namespace;
    this.#left = maxChars;
  }

  written(root: Element): string {
    const declared = [...this.#others].map((name) => ` xmlns:${name}="${name}"`).join('');
    const [first = '', ...rest] = this.#lines;
    const name = root.tag.name;
    return [first.replace(`<${name}`, `<${name} xmlns="${this.#own}"${declared}`), ...rest].join('\n');
  }

  write(element: Element, parent: Element | undefined, indent: string, isInSecret = false): void {
    if (this.#isFull) return;
    const name = this.#nameOf(element.tag);
    const isSecret = isInSecret || secrets.has(element.tag);
    const text = contentOf(element, parent, isSecret && element.tag !== Settings.Status);
    if (element.children.length === 0) {
      this.#add(text === '' ? `${indent}<${name}/>` : `${indent}<${name}>${text}</${name}>`);
      return;
    }
    this.#add(`${indent}<${name}>${text}`);
    for (const child of element.children) this.write(child, element, `${indent}  `, isSecret);
    const end = `${indent}</${name}>`;
    this.#lines.push(end);
    this.#left -= end.length + 1;
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#left -= line.length + 1;
    if (this.#left >= 0) return;
    this.#isFull = true;
    this.#lines.push('<!-- the rest is left out -->');
  }

  #nameOf({ name, namespace }: Tag): string {
    if (namespace === this.#own) return name;
    this.#others.add(namespace);
    return `${namespace}:${name}`;
  }
}

function contentOf(element: Element, parent: Element | undefined, isSecret: boolean): string {
  const { tag, text, opaque } = element;
  if (text === '' && opaque === undefined) return '';
  if (isSecret) return '<!-- withheld -->';
  const bytes = opaque?.byteLength ?? Buffer.byteLength(text);
  if (files.has(tag)) return leftOut(bytes, 'bytes');
  if (messages.has(tag) || isMessage(element, parent)) {
    return headerOfMessage(opaque ?? Buffer.from(text));
  }
  if (opaque !== undefined && text === '') {
    const hex = Buffer.from(opaque.subarray(0, maxOpaque)).toString('hex');
    return `${hex}${bytes > maxOpaque ? leftOut(bytes - maxOpaque, 'bytes') : ''}`;
  }
  const shown = text.slice(0, maxText);
  return `${escaped(shown)}${text.length > maxText ? leftOut(text.length - maxText, 'characters') : ''}`;
}

function isMessage({ tag }: Element, parent: Element | undefined): boolean {
  return tag === AirSyncBase.Data && textOf(parent, AirSyncBase.Type) === mimeType;
}

const references: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** XML 1.0, Characters: what it forbids is shown as U+FFFD. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>]/g, (character) => references[character] ?? character);
}

function leftOut(count: number, what: 'bytes' | 'characters'): string {
  return count > 0 ? `<!-- ${count} ${what} left out -->` : '';
}
