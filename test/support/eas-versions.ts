import { readFileSync } from 'node:fs';
import { isAtLeast, type ProtocolVersion } from '#protocols/activesync/protocol-version';
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { GetItemEstimate } from '#protocols/activesync/wbxml/code-pages/get-item-estimate';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { child, type Element, el } from '#protocols/activesync/wbxml/element';

interface TableOfTokens {
  readonly pages: readonly {
    readonly page: number;
    readonly namespace: string;
    readonly tokens: readonly {
      readonly token: string;
      readonly tag: string;
      readonly versions: readonly string[];
    }[];
  }[];
}

const fixture = new URL('../fixtures/eas/codepages.json', import.meta.url);
const table: TableOfTokens = JSON.parse(readFileSync(fixture, 'utf8'));
const versionsOf = new Map(
  table.pages.flatMap(({ page, tokens }) =>
    tokens.map(({ token, versions }) => [`${page}:${Number(token)}`, versions] as const),
  ),
);

const versionsByName = new Map<string, readonly string[]>(
  table.pages.flatMap(({ namespace, tokens }) =>
    tokens.map(({ tag, versions }) => [`${namespace}.${tag}`, versions] as const),
  ),
);

/** The versions that know an element, named as `Namespace.Element`; undefined for what no code page has. */
export function tokenVersions(element: string): readonly string[] | undefined {
  return versionsByName.get(element);
}

/** Asserts that a version knows every tag of a document (fixtures/eas/codepages.json). */
export function assertKnownTags(element: Element, version: ProtocolVersion): void {
  const { page, token, name, namespace } = element.tag;
  const isKnown = versionsOf.get(`${page}:${token}`)?.includes(version) ?? false;
  // Its token was DeviceEncryptionEnabled in 12.0.
  const isRenamed = element.tag === Provision.RequireStorageCardEncryption && version === '12.0';
  if (!isKnown && !isRenamed) throw new Error(`${namespace}:${name} does not exist in ${version}`);
  for (const part of element.children) assertKnownTags(part, version);
}

/**
 * An answer below 12.1 as the schemas know it: they were written without the Class of a collection and the elements of 2.5,
 * which are checked here and left out. Throws where these are not as they must be.
 */
export function withoutOldForms(element: Element, version: ProtocolVersion): Element {
  if (isAtLeast(version, '12.1')) return element;
  const { tag, children } = element;
  if (tag === AirSync.Collection) {
    if (children[0]?.tag !== AirSync.Class) throw new Error('A Collection does not begin with its Class');
    return without(element, [AirSync.Class], version);
  }
  if (tag === GetItemEstimate.Collection) return without(element, [GetItemEstimate.Class], version);
  if (version === '2.5' && tag === AirSync.ApplicationData) {
    assertOldMail(element);
    return without(element, oldMailTags, version);
  }
  // ProvisionResponse.xsd knows only the policy document of 12.0 and up; in 2.5 it is a text.
  if (version === '2.5' && tag === Provision.Data) {
    if (children.length > 0 || !element.text.startsWith('<wap-provisioningdoc')) {
      throw new Error('The Data of a policy is no provisioning document');
    }
    return el(Provision.Data, el(Provision.EASProvisionDoc));
  }
  return children.length === 0
    ? element
    : { ...element, children: children.map((part) => withoutOldForms(part, version)) };
}

function without(element: Element, tags: readonly Tag[], version: ProtocolVersion): Element {
  const kept = element.children.filter(({ tag }) => !tags.includes(tag));
  return { ...element, children: kept.map((part) => withoutOldForms(part, version)) };
}

const { Attachments, Attachment, AttMethod, AttSize, DisplayName, AttName, Att0Id } = Email;
const bodyTags = [Email.BodyTruncated, Email.BodySize, Email.Body];
const mimeTags = [Email.MIMETruncated, Email.MIMESize, Email.MIMEData];
const oldMailTags = [Attachments, ...bodyTags, ...mimeTags];

/** Either Body or MIMEData with its size, each at most once; attachments that can be asked for. */
function assertOldMail(data: Element): void {
  const names = data.children.filter(({ tag }) => oldMailTags.includes(tag)).map(({ tag }) => tag.name);
  const forms = [bodyTags, mimeTags].map((tags) => tags.filter((tag) => names.includes(tag.name)).length);
  if (new Set(names).size < names.length || forms.every((count) => count > 0)) {
    throw new Error(`Not a message of 2.5: ${names}`);
  }
  for (const [truncated, size] of [bodyTags, mimeTags]) {
    const [cut, length] = [truncated, size].map((tag) => tag && child(data, tag)?.text);
    if (cut !== undefined && !/^[01]$/.test(cut)) throw new Error(`${truncated?.name} is ${cut}`);
    if (length !== undefined && !/^\d+$/.test(length)) throw new Error(`${size?.name} is ${length}`);
  }
  for (const attachment of child(data, Attachments)?.children ?? []) assertOldAttachment(attachment);
}

function assertOldAttachment(attachment: Element): void {
  const tags = attachment.children.map(({ tag }) => tag);
  const required = [AttMethod, AttSize, DisplayName, AttName];
  const isWhole = required.every((tag) => (child(attachment, tag)?.text ?? '') !== '');
  const isKnown =
    tags.every((tag) => [...required, Att0Id].includes(tag)) && new Set(tags).size === tags.length;
  if (attachment.tag !== Attachment || !isWhole || !isKnown) throw new Error('Not an attachment of 2.5');
}

/** One version of each form that requests and answers have, for what the code does not tell apart further. */
export const forms = ['2.5', '12.1', '14.1', '16.1'] as const;
