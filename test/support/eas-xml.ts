import { XmlDocument, XmlElement, XmlText } from 'libxml2-wasm';
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { codePages } from '#protocols/activesync/wbxml/code-pages/index';
import { type Element, el } from '#protocols/activesync/wbxml/element';

const tags = new Map(
  codePages.flatMap((page) => Object.values(page)).map((tag) => [`{${tag.namespace}}${tag.name}`, tag]),
);

/**
 * The XML reading of a document, indented: one namespace for each code page, the root's as default and the others
 * with a prefix; OPAQUE as base64.
 */
export function toXml(root: Element): string {
  const prefixes = new Map([[root.tag.namespace, '']]);
  collectPrefixes(root, prefixes);
  const declarations = [...prefixes].map(([namespace, prefix]) =>
    prefix === '' ? ` xmlns="${namespace}"` : ` xmlns:${prefix.slice(0, -1)}="${namespace}"`,
  );
  return `${writeXml(root, prefixes, declarations.join(''), '')}\n`;
}

function collectPrefixes(element: Element, prefixes: Map<string, string>): void {
  const { namespace } = element.tag;
  if (!prefixes.has(namespace)) prefixes.set(namespace, `${namespace.toLowerCase()}:`);
  for (const part of element.children) collectPrefixes(part, prefixes);
}

function writeXml(
  element: Element,
  prefixes: ReadonlyMap<string, string>,
  declarations: string,
  indent: string,
): string {
  const name = `${prefixes.get(element.tag.namespace) ?? ''}${element.tag.name}`;
  const { opaque } = element;
  let content = escapeXml(element.text);
  if (opaque !== undefined) content += Buffer.from(opaque).toString('base64');
  if (element.children.length > 0) {
    const parts = element.children.map((part) => `\n${writeXml(part, prefixes, '', `${indent}  `)}`);
    content += `${parts.join('')}\n${indent}`;
  }
  if (content === '') return `${indent}<${name}${declarations}/>`;
  return `${indent}<${name}${declarations}>${content}</${name}>`;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };

function escapeXml(text: string): string {
  return text.replace(/[&<>\r]/g, (character) => escapes[character] ?? character);
}

/** The document of an XML reading; every value is a text, also what travels as OPAQUE. Throws for an unknown tag. */
export function fromXml(xml: string): Element {
  const document = XmlDocument.fromString(xml);
  try {
    return readXml(document.root);
  } finally {
    document.dispose();
  }
}

function readXml(node: XmlElement): Element {
  const tag = tagNamed(node.namespaceUri, node.name);
  const children: Element[] = [];
  let text = '';
  for (let part = node.firstChild; part !== null; part = part.next) {
    if (part instanceof XmlElement) children.push(readXml(part));
    else if (part instanceof XmlText) text += part.content;
  }
  return children.length > 0 ? el(tag, ...children) : el(tag, text);
}

function tagNamed(namespace: string, name: string): Tag {
  const tag = tags.get(`{${namespace}}${name}`);
  if (tag === undefined) throw new Error(`No code page has {${namespace}}${name}`);
  return tag;
}
