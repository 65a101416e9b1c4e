/** What a conversation shows of a message. MS-ASAIRS, BodyPart; since 14.1. */
import type { Mailbox } from '#domain/mailbox';
import type { Message } from '#domain/sync';
import { isAtLeast } from '../protocol-version.ts';
import { CommonStatus } from '../status.ts';
import { AirSyncBase } from '../wbxml/code-pages/air-sync-base.ts';
import { type Element, el } from '../wbxml/element.ts';
import { type BodyRequest, bodyElements, lesser, previewOf, textBody } from './body.ts';
import { type BodyOptions, BodyType } from './body-options.ts';

type BodyPartPreference = NonNullable<BodyOptions['part']>;

/** MS-ASAIRS, Status (BodyPart). */
const success = 1;
/** Larger ones are not for a list of many messages: the device fetches the Body instead. */
const largestPartBytes = 1024 * 1024;

/**
 * The Body, the BodyPart, or both, as they are asked for. No server tells with certainty what in a message is new: its part
 * is all of its HTML.
 */
export async function conversationElements(
  mailbox: Mailbox,
  message: Message,
  request: BodyRequest,
): Promise<readonly Element[]> {
  const { part, preferences } = request.options;
  // It is HTML or nothing: where a policy allows none, there is the Body.
  const isPartAsked = part !== undefined && request.allowHtml && isAtLeast(request.version, '14.1');
  if (!isPartAsked) return bodyElements(mailbox, message, request);
  const bodies = preferences.length > 0 ? await bodyElements(mailbox, message, request) : [];
  return [...bodies, await bodyPartElement(mailbox, message, { part, request })];
}

async function bodyPartElement(
  mailbox: Mailbox,
  message: Message,
  { part, request }: { readonly part: BodyPartPreference; readonly request: BodyRequest },
): Promise<Element> {
  const preview = previewOf(message.detail, part.preview);
  const truncationSize = lesser(part.truncationSize, request.maxBytes?.[BodyType.Html]);
  const estimate = sourceBytes(message);
  if (Math.min(estimate, truncationSize ?? estimate) > largestPartBytes) {
    return partElement(
      CommonStatus.BodyPart_ConversationTooLarge,
      { size: estimate, truncated: true },
      preview,
    );
  }
  const { size, truncated, data } = await textBody(mailbox, message, 'html', truncationSize);
  const isLeftOut = truncated && part.allOrNone;
  return partElement(success, { size, truncated, data: isLeftOut ? undefined : data }, preview);
}

function partElement(
  status: number,
  { size, truncated, data }: { size: number; truncated: boolean; data?: string | Uint8Array | undefined },
  preview: string | undefined,
): Element {
  return el(
    AirSyncBase.BodyPart,
    el(AirSyncBase.Status, status),
    el(AirSyncBase.Type, BodyType.Html),
    el(AirSyncBase.EstimatedDataSize, size),
    el(AirSyncBase.Truncated, truncated),
    data === undefined ? undefined : el(AirSyncBase.Data, data),
    preview === undefined ? undefined : el(AirSyncBase.Preview, preview),
  );
}

/** About how many bytes the text of a message has. */
function sourceBytes({ detail }: Message): number {
  const shown = detail.html.length > 0 ? detail.html : detail.text;
  return shown.reduce((sum, at) => sum + (detail.parts[at]?.size ?? 0), 0);
}
