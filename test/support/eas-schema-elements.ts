import { readFileSync } from 'node:fs';
import { XmlDocument, XmlElement } from 'libxml2-wasm';

const folder = new URL('../fixtures/eas/schemas/linked/', import.meta.url);
const mobileSync = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006';
const autodiscover = 'http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006';

/** What a namespace whose name is an address is called in the conformance table. */
const namespaceNames: Readonly<Record<string, string>> = {
  [mobileSync]: 'MobileSync',
  [autodiscover]: 'Autodiscover',
};

/** Where a command's document begins, where that is no element of the command's own name and namespace. */
const namespaceOf: Readonly<Record<string, string>> = {
  Sync: 'AirSync',
  SendMail: 'ComposeMail',
  SmartReply: 'ComposeMail',
  SmartForward: 'ComposeMail',
  FolderSync: 'FolderHierarchy',
  FolderCreate: 'FolderHierarchy',
  FolderDelete: 'FolderHierarchy',
  FolderUpdate: 'FolderHierarchy',
  GetHierarchy: 'FolderHierarchy',
  MoveItems: 'Move',
  Autodiscover: autodiscover,
};
const rootOf: Readonly<Record<string, string>> = { GetHierarchy: 'Folders' };

/** Children of a Forwardee have another name in the schema than in the token table. */
const tokenNames: Readonly<Record<string, string>> = { ForwardeeName: 'Name', ForwardeeEmail: 'Email' };

/** A node of a schema, with the prefixes of the file it stands in. */
interface Declared {
  readonly node: XmlElement;
  readonly file: SchemaFile;
}
interface SchemaFile {
  readonly targetNamespace: string;
  readonly prefixes: ReadonlyMap<string, string>;
}
/** By `kind namespace name`. */
type Components = ReadonlyMap<string, Declared>;

const components = new Map<string, Components>();

/**
 * The elements that the request or the response of a command may hold below its root, as `Namespace.Element` in the order of the
 * schemas (test/fixtures/eas/schemas): everything that can be reached from the root. Empty for a command without such a document.
 */
export function schemaElements(direction: 'request' | 'response', command: string): readonly string[] {
  const declared = componentsOf(direction);
  const root = declared.get(`element ${namespaceOf[command] ?? command} ${rootOf[command] ?? command}`);
  const found = new Set<string>();
  if (root !== undefined) walk(root, declared, found, new Set());
  return [...found];
}

/** Notes what stands below a node of a schema; references are followed once. */
function walk(
  { node, file }: Declared,
  declared: Components,
  found: Set<string>,
  seen: Set<XmlElement>,
): void {
  if (seen.has(node)) return;
  seen.add(node);
  const type = node.attr('type')?.value;
  if (type !== undefined) follow('complexType', type, file, declared, found, seen);
  for (const child of elementsOf(node)) {
    const ref = child.attr('ref')?.value;
    const name = child.attr('name')?.value;
    if (child.name === 'element') found.add(elementName(ref ?? name ?? '', ref !== undefined, file));
    if (ref !== undefined) follow(child.name, ref, file, declared, found, seen);
    const base = child.attr('base')?.value;
    if (base !== undefined) follow('complexType', base, file, declared, found, seen);
    walk({ node: child, file }, declared, found, seen);
  }
}

function follow(
  kind: string,
  reference: string,
  file: SchemaFile,
  declared: Components,
  found: Set<string>,
  seen: Set<XmlElement>,
): void {
  const { namespace, name } = resolve(reference, file);
  const target = declared.get(`${kind} ${namespace} ${name}`);
  // Types of XML Schema are declared nowhere, and what only the other direction has is named here without what it holds.
  if (target !== undefined) walk(target, declared, found, seen);
}

function elementName(reference: string, isReference: boolean, file: SchemaFile): string {
  const { namespace, name } = isReference
    ? resolve(reference, file)
    : { namespace: file.targetNamespace, name: reference };
  return `${namespaceNames[namespace] ?? namespace}.${tokenNames[name] ?? name}`;
}

function resolve(reference: string, file: SchemaFile): { namespace: string; name: string } {
  const [prefix, name] = reference.includes(':') ? reference.split(':', 2) : ['', reference];
  return { namespace: file.prefixes.get(prefix ?? '') ?? file.targetNamespace, name: name ?? '' };
}

/** Every global declaration of a direction: of the files that the bundles of its namespaces include. */
function componentsOf(direction: 'request' | 'response'): Components {
  const known = components.get(direction);
  if (known !== undefined) return known;
  const declared = new Map<string, Declared>();
  const driver = readFileSync(new URL(`../eas-${direction}.xsd`, folder), 'utf8');
  for (const [, bundle = ''] of driver.matchAll(/schemaLocation="linked\/([^"]+)"/g)) {
    const included = readFileSync(new URL(bundle, folder), 'utf8').matchAll(
      /include schemaLocation="([^"]+)"/g,
    );
    for (const [, file = ''] of included) declare(new URL(file, folder), declared);
  }
  components.set(direction, declared);
  return declared;
}

function declare(url: URL, declared: Map<string, Declared>): void {
  const source = readFileSync(url, 'utf8');
  const prefixes = new Map(
    [...source.matchAll(/\sxmlns(?::(\w+))?\s*=\s*"([^"]+)"/g)].map(([, prefix, uri]) => [
      prefix ?? '',
      uri ?? '',
    ]),
  );
  // The document is kept for as long as its nodes are: for the whole of the tests.
  const { root } = XmlDocument.fromString(source);
  const file = { targetNamespace: root.attr('targetNamespace')?.value ?? '', prefixes };
  for (const node of elementsOf(root)) {
    declared.set(`${node.name} ${file.targetNamespace} ${node.attr('name')?.value}`, { node, file });
  }
}

function elementsOf(node: XmlElement): XmlElement[] {
  const children: XmlElement[] = [];
  for (let child = node.firstChild; child !== null; child = child.next) {
    if (child instanceof XmlElement) children.push(child);
  }
  return children;
}
