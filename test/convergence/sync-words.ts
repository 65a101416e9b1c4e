/** Requests and answers of Sync in a few words, for a history. */
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { child, type Element, has, textOf } from '#protocols/activesync/wbxml/element';
import type { EasResponse } from '#test/support/eas-connection';
import { readMarks } from './collection.ts';
import { type Asked, collectionsOf, type SyncExtras } from './sync-request.ts';

/** An answer in a few words. */
export function told(response: EasResponse): string {
  if (response.element === undefined) return response.status === 200 ? 'nothing' : `HTTP ${response.status}`;
  if (response.rootStatus !== undefined) return `Status ${response.rootStatus}`;
  return collectionsOf(response).map(toldOfCollection).join('; ');
}

function toldOfCollection(answer: Element): string {
  const [id, key] = [AirSync.CollectionId, AirSync.SyncKey].map((tag) => textOf(answer, tag));
  const commands = (child(answer, AirSync.Commands)?.children ?? []).map((one) =>
    [one.tag.name, textOf(one, AirSync.ServerId), textOf(one, AirSync.ApplicationData, Email.Subject)]
      .join(' ')
      .trim(),
  );
  const responses = (child(answer, AirSync.Responses)?.children ?? []).map(
    (one) =>
      `[${one.tag.name} ${textOf(one, AirSync.ClientId) ?? ''} ${textOf(one, AirSync.ServerId)} Status ${textOf(one, AirSync.Status)}]`,
  );
  const status = textOf(answer, AirSync.Status);
  const more = has(answer, AirSync.MoreAvailable) ? ' more' : '';
  return `${id}: ${status === '1' ? '' : `Status ${status} `}key ${key}${more} ${[...responses, ...commands].join(', ')}`.trim();
}

/** What stands beside the collections. */
export function describe({ windowSize, waitMinutes, heartbeatSeconds, partial }: SyncExtras): string {
  const said = { windowSize, waitMinutes, heartbeatSeconds, partial };
  return Object.entries(said)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${value}`)
    .join('');
}

/** A collection of a request. */
export function describeAsk({
  folder,
  key,
  commands,
  permanently,
  getChanges,
  windowSize,
  settings,
  subjects,
}: Asked): string {
  const parts = [
    `${folder} key ${key}`,
    permanently === true ? 'permanently' : '',
    getChanges === undefined ? '' : `getChanges=${getChanges}`,
    windowSize === undefined ? '' : `window=${windowSize}`,
    settings === undefined ? '' : JSON.stringify(settings),
    ...commands.map(
      (one) =>
        `${one.kind} ${one.id} (${subjects.get(one.id)})${'data' in one ? ` ${JSON.stringify(readMarks(one.data))}` : ''}`,
    ),
  ];
  return parts.filter((part) => part !== '').join(' ');
}
