import { readdirSync, readFileSync } from 'node:fs';
import {
  ParseOption,
  XmlBufferInputProvider,
  XmlDocument,
  XmlValidateError,
  XsdValidator,
  xmlRegisterInputProvider,
} from 'libxml2-wasm';
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { ItemOperations } from '#protocols/activesync/wbxml/code-pages/item-operations';
import { MeetingResponse } from '#protocols/activesync/wbxml/code-pages/meeting-response';
import { RightsManagement } from '#protocols/activesync/wbxml/code-pages/rights-management';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { child, childrenOf, type Element, el, textOf } from '#protocols/activesync/wbxml/element';
import { assertKnownTags, withoutOldForms } from './eas-versions.ts';
import { toXml } from './eas-xml.ts';

const schemas = new URL('../fixtures/eas/schemas/', import.meta.url);
const validators = new Map<string, XsdValidator>();

/** Roots that are not called as their command; no schema knows Response. */
const roots: Readonly<Record<string, string>> = {
  GetHierarchy: 'Folders',
  CreateCollection: 'Response',
  DeleteCollection: 'Response',
  MoveCollection: 'Response',
};

/**
 * Asserts that a document is what the schemas allow as the request or the response of a command.
 * Throws with the faults and the document's XML reading. Where the schemas are narrower than the protocol
 * (fixtures/eas/schemas/README.md, Known limits), the document is adapted first.
 */
export function assertValid(
  direction: 'request' | 'response',
  element: Element,
  command: string,
  version: ProtocolVersion,
): void {
  const root = roots[command] ?? command;
  if (element.tag.name !== root)
    throw new Error(`A ${direction} of ${command} has the root ${element.tag.name}`);
  if (direction === 'response' && isMeetingResponseFailure(element)) return;
  if (root === 'Response') return;
  if (direction === 'response' ? !isRefusal(element) : !isAtLeast(version, '12.1'))
    assertKnownTags(element, version);
  const adapted = direction === 'response' ? withinSchemas(withoutOldForms(element, version)) : element;
  validate(direction, toXml(withForwardeeNames(adapted)), `${direction} of ${command} (${version})`);
}

function validate(direction: 'request' | 'response', xml: string, what: string): void {
  const document = XmlDocument.fromString(xml, { option: ParseOption.XML_PARSE_HUGE });
  try {
    validatorFor(direction).validate(document);
  } catch (error) {
    if (!(error instanceof XmlValidateError)) throw error;
    throw new Error(`Not a valid ${what}: ${error.message}\n${xml}`, { cause: error });
  } finally {
    document.dispose();
  }
}

/** The compiled schemas of a direction; compiling takes about 0.1 s, once in a process. */
function validatorFor(direction: 'request' | 'response'): XsdValidator {
  const compiled = validators.get(direction);
  if (compiled !== undefined) return compiled;
  if (validators.size === 0) registerSchemaFiles();
  const document = XmlDocument.fromBuffer(readFileSync(new URL(`eas-${direction}.xsd`, schemas)));
  const validator = XsdValidator.fromDoc(document);
  document.dispose();
  validators.set(direction, validator);
  return validator;
}

/** The drivers import by relative paths, which libxml2 asks of its input providers. */
function registerSchemaFiles(): void {
  const files: Record<string, Uint8Array> = {};
  for (const folder of ['linked', 'requests']) {
    for (const name of readdirSync(new URL(`${folder}/`, schemas))) {
      files[`${folder}/${name}`] = readFileSync(new URL(`${folder}/${name}`, schemas));
    }
  }
  xmlRegisterInputProvider(new XmlBufferInputProvider(files));
}

/** A Status right under MeetingResponse: servers send it for provisioning errors, the schema does not know it. */
function isMeetingResponseFailure(element: Element): boolean {
  const [only, ...others] = element.children;
  const isAlone = others.length === 0 && only?.tag === MeetingResponse.Status;
  return element.tag === MeetingResponse.MeetingResponse && isAlone;
}

/** A Status alone: a command of a later version is refused in its own words, which whoever sent it knows. */
function isRefusal({ children }: Element): boolean {
  const [only, ...others] = children;
  return others.length === 0 && only?.tag.name === 'Status';
}

/** What MS-ASCMD allows and the schemas of responses do not. */
function withinSchemas(element: Element): Element {
  // SettingsResponse.xsd wants a Get here even where the Status says that there is none.
  if (element.tag === Settings.RightsManagementInformation && child(element, Settings.Get) === undefined) {
    const nothing = el(Settings.Get, el(RightsManagement.RightsManagementTemplates));
    return el(element.tag, ...element.children, nothing);
  }
  if (element.children.length === 0) return element;
  const children = element.children.map(withinSchemas);
  // ItemOperationsResponse.xsd has the results by kind; MS-ASCMD has them in the order of the request.
  if (element.tag === ItemOperations.Response) children.sort((a, b) => rankOf(a) - rankOf(b));
  // FolderSyncResponse.xsd has them by kind; a folder that another was moved into comes before that one's Update.
  if (element.tag === FolderHierarchy.Changes && isMovedIntoNew(element))
    children.sort((a, b) => hierarchyTags.indexOf(a.tag) - hierarchyTags.indexOf(b.tag));
  return { ...element, children };
}

const operationTags: readonly unknown[] = [
  ItemOperations.Move,
  ItemOperations.EmptyFolderContents,
  ItemOperations.Fetch,
];

const { Count, Update, Delete, Add, ParentId, ServerId } = FolderHierarchy;
const hierarchyTags: readonly unknown[] = [Count, Update, Delete, Add];

function isMovedIntoNew(changes: Element): boolean {
  const made = new Set(childrenOf(changes, Add).map((one) => textOf(one, ServerId)));
  return childrenOf(changes, Update).some((one) => made.has(textOf(one, ParentId)));
}

function rankOf({ tag }: Element): number {
  return operationTags.indexOf(tag);
}

const forwardeeTags = new Map([
  [ComposeMail.Name, { ...ComposeMail.Name, name: 'ForwardeeName' }],
  [ComposeMail.Email, { ...ComposeMail.Email, name: 'ForwardeeEmail' }],
]);

/** ComposeMail.xsd calls the children of a Forwardee otherwise than the token table. */
function withForwardeeNames(element: Element): Element {
  if (element.tag.page !== ComposeMail.SmartForward.page) return element;
  const tag = forwardeeTags.get(element.tag) ?? element.tag;
  return { ...element, tag, children: element.children.map(withForwardeeNames) };
}
