import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError } from '#domain/errors';
import type { HttpContext } from '#protocols/http/handler';
import { send } from '#protocols/http/response';
import { commonHeaders, sendDocument, sendMultipart } from './answer.ts';
import { CommandError } from './command-error.ts';
import { statusDocument } from './command-roots.ts';
import { statusByCode } from './domain-status.ts';
import { type RequestLine, RequestLineError } from './request-line.ts';
import type { RequestRecord } from './request-record.ts';
import { CommonStatus, httpStatusOf, isKnownIn } from './status.ts';
import { WbxmlContentError } from './wbxml/decode.ts';

const retryAfterSeconds = '60';

/**
 * Answers a request that was refused or failed: by its status in the command's own root from 14.0 on, by an HTTP status below.
 * `call` is undefined if its query could not be read.
 */
export async function answerError(
  error: unknown,
  call: { readonly line: RequestLine; readonly record: RequestRecord } | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  { log, connectionId }: HttpContext,
): Promise<void> {
  const line = call?.line;
  const asked = {
    command: line?.command ?? (error instanceof RequestLineError ? error.command : undefined) ?? '',
    version: line?.protocolVersion ?? (error instanceof RequestLineError ? error.protocolVersion : undefined),
    policyKey: line?.policyKey,
  };
  const status = statusOf(error);
  const fields = {
    command: asked.command.slice(0, 40),
    version: asked.version,
    status,
    device: line?.deviceId,
  };
  if (status === undefined) log.error('activesync.command.failed', { err: error }, fields);
  else
    log.info('activesync.command.refused', {
      ...fields,
      reason: error instanceof Error ? error.message : '',
    });
  const reason = status === undefined ? `local error ${connectionId}` : (error as Error).message;
  call?.record.failed(status, reason);
  if (response.headersSent || response.destroyed) return;
  const said = status ?? CommonStatus.ServerErrorRetryLater;
  const speaks = asked.version !== undefined && isKnownIn(said, asked.version);
  const document = speaks ? statusDocument(asked.command, said) : undefined;
  if (document !== undefined) {
    // MS-ASCMD, MultiPart Response: who asked for parts reads nothing else, and an error is the only one.
    const isInParts = line?.acceptMultiPart === true && asked.command === 'ItemOperations';
    const sent = isInParts
      ? sendMultipart(response, document, [])
      : await sendDocument(request, response, document);
    call?.record.answered(document, sent);
    return;
  }
  const httpStatus =
    error instanceof RequestLineError ? error.httpStatus : httpStatusOf(said as CommonStatus, asked);
  const later = httpStatus === 503 ? { 'Retry-After': retryAfterSeconds } : {};
  send(response, httpStatus, { ...commonHeaders, ...later });
}

/** The status of an error we foresaw; undefined for any other. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof CommandError || error instanceof RequestLineError) return error.status;
  if (error instanceof WbxmlContentError) return CommonStatus.InvalidWBXML;
  return error instanceof DomainError ? statusByCode[error.code] : undefined;
}
