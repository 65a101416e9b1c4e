import { DomainError } from '#domain/errors';
import { classOf, type ItemClass } from '#domain/folder';
import { recipientCacheFolder } from '#domain/recipient-cache';
import { estimateRecipients } from '#domain/recipient-sync';
import { FolderSync } from '#domain/sync';
import { BodyOptionsError } from '../../classes/body-options.ts';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { parseCollectionId } from '../../ids.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import { CommonStatus } from '../../status.ts';
import { AirSync } from '../../wbxml/code-pages/air-sync.ts';
import { GetItemEstimate } from '../../wbxml/code-pages/get-item-estimate.ts';
import { child, childrenOf, type Element, el, flagOf, has, textOf } from '../../wbxml/element.ts';
import {
  defaultOptions,
  InvalidOptionsError,
  maxItemsOf,
  optionsMisfit,
  optionsText,
  readOptions,
  syncRules,
} from '../sync/options.ts';
import { GetItemEstimateStatus } from './status.ts';

/** MS-ASCMD, Limiting Size of Command Requests. */
const MAX_COLLECTIONS = 1000;
const MAX_ID = 64;
/** So many are counted: a device shows the number to its user, and asks again after the next Sync. */
const MAX_ESTIMATE = 5000;

interface EstimateRequest {
  readonly collectionId: string;
  readonly syncKey: string;
  /** Undefined: those in force. */
  readonly options: string | undefined;
  /** MS-ASCMD, ConversationMode; undefined: not said. */
  readonly byConversation: boolean | undefined;
}

interface EstimateResult {
  readonly collectionId: string;
  /** Of the command, or a common one. */
  readonly status: number;
  readonly estimate?: number;
  /** Undefined: there is no such folder. */
  readonly itemClass?: ItemClass;
}

/** GetItemEstimate: how many changes the next Sync of a folder has; the key stays as it is (MS-ASCMD). */
export const getItemEstimate = defineCommand({
  name: 'GetItemEstimate',
  code: 14,
  quarantine: 'served',
  read: (body, { protocolVersion }) => {
    const collections = childrenOf(child(body, GetItemEstimate.Collections), GetItemEstimate.Collection);
    if (collections.length === 0 || collections.length > MAX_COLLECTIONS) {
      throw new CommandError(CommonStatus.InvalidXML, 'no Collection, or too many');
    }
    return collections.map((collection) => readCollection(collection, protocolVersion));
  },
  run: runEstimates,
  write: (results, { protocolVersion }) => {
    const isClassTold = !isAtLeast(protocolVersion, '12.1');
    return el(GetItemEstimate.GetItemEstimate, ...results.map((result) => writeResult(result, isClassTold)));
  },
});

function readCollection(collection: Element, version: ProtocolVersion): EstimateRequest {
  const collectionId =
    textOf(collection, GetItemEstimate.CollectionId) ?? textOf(collection, AirSync.CollectionId);
  const syncKey = textOf(collection, AirSync.SyncKey);
  if (collectionId === undefined || collectionId.length > MAX_ID || syncKey === undefined) {
    throw new CommandError(CommonStatus.InvalidXML, 'no CollectionId or SyncKey');
  }
  const options = readCollectionOptions(collection, version);
  const byConversation = isAtLeast(version, '14.0')
    ? flagOf(collection, AirSync.ConversationMode)
    : undefined;
  return { collectionId, syncKey, options, byConversation };
}

/**
 * Since 14.0 nothing is filtered without Options (MS-ASCMD, Options). Below it the filter is required, and stands in the
 * Collection itself.
 */
function readCollectionOptions(collection: Element, version: ProtocolVersion): string | undefined {
  const elements = childrenOf(collection, AirSync.Options);
  if (elements.length === 0 && isAtLeast(version, '14.0')) return optionsText(defaultOptions);
  try {
    const options = readOptions(
      elements.length === 0 && has(collection, AirSync.FilterType) ? [collection] : elements,
      version,
    );
    return options && optionsText(options);
  } catch (error) {
    if (!(error instanceof InvalidOptionsError || error instanceof BodyOptionsError)) throw error;
    throw new CommandError(CommonStatus.InvalidXML, error.message, { cause: error });
  }
}

/** One after the other, and each folder once: counting costs about as much as the Sync itself. */
async function runEstimates(
  requests: readonly EstimateRequest[],
  context: CommandContext,
): Promise<readonly EstimateResult[]> {
  const results = new Map<string, EstimateResult>();
  for (const request of requests) {
    const { collectionId } = request;
    if (!results.has(collectionId)) results.set(collectionId, await runEstimate(request, context));
  }
  return requests.flatMap(({ collectionId }) => results.get(collectionId) ?? []);
}

async function runEstimate(request: EstimateRequest, context: CommandContext): Promise<EstimateResult> {
  const { mailbox, device, clock, services } = context;
  const { collectionId, syncKey: key, options, byConversation } = request;
  const id = parseCollectionId(collectionId);
  if (id === recipientCacheFolder) return await runRecipients(request, context);
  const folder = id && (await mailbox.reader.folder(id));
  if (folder === undefined) return { collectionId, status: GetItemEstimateStatus.InvalidCollection };
  const itemClass = classOf(folder.type);
  if (key === '0') return { collectionId, itemClass, status: GetItemEstimateStatus.NotPrimed };
  const refused = refusalOf(request, itemClass, context);
  if (refused !== undefined) return { collectionId, itemClass, status: refused };
  const sync = new FolderSync(mailbox, clock, services.random);
  const rules = syncRules(context, itemClass);
  try {
    const asked = { device: device.id, folder: folder.id, key, options, byConversation, rules };
    const estimate = await sync.estimate(asked, MAX_ESTIMATE);
    return { collectionId, itemClass, status: GetItemEstimateStatus.Success, estimate };
  } catch (error) {
    return { collectionId, itemClass, status: statusFor(error) };
  }
}

/** The recipient cache, since 14.0. Throws CommandError. */
async function runRecipients(
  request: EstimateRequest,
  { mailbox, device, version }: CommandContext,
): Promise<EstimateResult> {
  const { collectionId, syncKey: key, options } = request;
  if (!isAtLeast(version, '14.0')) return { collectionId, status: GetItemEstimateStatus.InvalidCollection };
  if (key === '0') return { collectionId, status: GetItemEstimateStatus.NotPrimed };
  // MaxItems, which is left, is for this one.
  checkClass(request, 'Contacts');
  try {
    const asked = { device: device.id, key, options, maxItems: maxItemsOf };
    const estimate = await estimateRecipients(mailbox.reader, asked);
    return { collectionId, status: GetItemEstimateStatus.Success, estimate };
  } catch (error) {
    return { collectionId, status: statusFor(error) };
  }
}

/** MS-ASCMD, ConversationMode and Class (GetItemEstimate). Throws CommandError; gives what else of the options does not fit. */
function checkClass(
  { options, byConversation }: EstimateRequest,
  itemClass: ItemClass,
): 'max-items' | 'filter' | undefined {
  const isForMail = byConversation !== true || itemClass === 'Email';
  if (!isForMail)
    throw new CommandError(CommonStatus.InvalidXML, 'no conversations in a folder without mail');
  const misfit = options === undefined ? undefined : optionsMisfit(itemClass, options);
  if (misfit !== 'class') return misfit;
  throw new CommandError(CommonStatus.InvalidXML, 'another class than the folder has');
}

/** MS-ASCMD, FilterType, ConversationMode and MaxItems (GetItemEstimate): what a folder of this class cannot be asked. */
function refusalOf(
  request: EstimateRequest,
  itemClass: ItemClass,
  { version }: CommandContext,
): number | undefined {
  switch (checkClass(request, itemClass)) {
    case undefined:
      return undefined;
    case 'max-items':
      return GetItemEstimateStatus.InvalidCollection;
    case 'filter':
      if (isAtLeast(version, '14.0')) return CommonStatus.ServerError;
      throw new CommandError(CommonStatus.ServerError, 'a filter for tasks on mail');
  }
}

function statusFor(error: unknown): GetItemEstimateStatus {
  if (!(error instanceof DomainError)) throw error;
  if (error.code === 'sync/invalid-key') return GetItemEstimateStatus.InvalidSyncKey;
  if (error.code === 'folder/not-found') return GetItemEstimateStatus.InvalidCollection;
  throw error;
}

function writeResult(
  { collectionId, status, estimate, itemClass }: EstimateResult,
  isClassTold: boolean,
): Element {
  const { Response, Status, Collection, Class, CollectionId, Estimate } = GetItemEstimate;
  return el(
    Response,
    el(Status, status),
    el(
      Collection,
      isClassTold && itemClass !== undefined ? el(Class, itemClass) : undefined,
      el(CollectionId, collectionId),
      estimate === undefined ? undefined : el(Estimate, estimate),
    ),
  );
}
