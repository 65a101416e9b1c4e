import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '#protocols/http/body';
import type { HttpHandler } from '#protocols/http/handler';
import { HttpError } from '#protocols/http/http-error';
import { send } from '#protocols/http/response';
import type { Logger } from '#telemetry/log';
import { AdminError, toAdminError } from './errors.ts';
import { readInput, unknownOperation } from './model.ts';
import type { AdminInput } from './shape.ts';

/** AdminContext is what an operation knows beside its input. */
export interface AdminContext {
  /** The answer's x-amzn-RequestId. */
  readonly requestId: string;
  readonly log: Logger;
}

/**
 * AdminOperation does one operation: its input has passed the model. It gives the output's members (`{}` for none), or
 * throws AdminError or DomainError.
 */
export type AdminOperation = (input: AdminInput, context: AdminContext) => Promise<object>;

const contentType = 'application/x-amz-json-1.1';
/** The largest inputs are lists of some hundred short strings. */
const maxBodyBytes = 1_048_576;

/**
 * createAdminEndpoint speaks AWS JSON 1.1 for operations registered by their full name (`WorkMailService.CreateUser`): POST with
 * X-Amz-Target in, `{"__type","Message"}` with 400 for refusals, 500 InternalFailure for what we did not foresee. Who may call
 * is decided before: by the socket's mode, or by a signature.
 */
export function createAdminEndpoint(operations: Readonly<Record<string, AdminOperation>>): HttpHandler {
  return async (request, response, { log }) => {
    const requestId = randomUUID();
    const target = String(request.headers['x-amz-target'] ?? '');
    const started = { operation: target.slice(0, 100), requestId };
    try {
      const output = await run(operations, target, request, { requestId, log });
      log.info('admin.operation.done', started);
      answer(response, 200, requestId, output);
    } catch (error) {
      if (error instanceof HttpError) throw error;
      const refusal = toAdminError(error);
      if (refusal === undefined) {
        log.error('admin.operation.failed', { err: error }, started);
        answer(response, 500, requestId, {
          __type: 'InternalFailure',
          Message: `local error (${requestId})`,
        });
      } else {
        log.info('admin.operation.refused', { ...started, reason: refusal.type });
        answer(response, 400, requestId, { __type: refusal.type, Message: refusal.message });
      }
    }
  };
}

async function run(
  operations: Readonly<Record<string, AdminOperation>>,
  target: string,
  request: IncomingMessage,
  context: AdminContext,
): Promise<object> {
  const operation = Object.hasOwn(operations, target) ? operations[target] : undefined;
  const body = await readBody(request, maxBodyBytes);
  if (operation === undefined) throw unknownOperation(target);
  return operation(readInput(target, parseJson(body)), context);
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new AdminError('SerializationException', 'The request body is not JSON', { cause });
  }
}

function answer(response: ServerResponse, status: number, requestId: string, body: object): void {
  send(
    response,
    status,
    { 'Content-Type': contentType, 'x-amzn-RequestId': requestId },
    JSON.stringify(body),
  );
}
