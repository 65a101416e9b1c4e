import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OrganizationId } from '#domain/ids';
import { readBody } from '#protocols/http/body';
import type { HttpContext, HttpHandler } from '#protocols/http/handler';
import { HttpError } from '#protocols/http/http-error';
import { send } from '#protocols/http/response';
import type { Logger } from '#telemetry/log';
import type { Auditor } from './auditor.ts';
import { type Authenticate, type Authenticated, authorize, type Caller, organizationIn } from './caller.ts';
import { AdminError, toAdminError } from './errors.ts';
import { readInput, unknownOperation } from './model.ts';
import { redactedInput } from './redact.ts';
import type { AdminInput } from './shape.ts';

/** AdminContext is what an operation knows beside its input. */
export interface AdminContext {
  /** The answer's x-amzn-RequestId. */
  readonly requestId: string;
  readonly caller: Caller;
  readonly log: Logger;
}

/**
 * AdminOperation does one operation: its input has passed the model. It gives the output's members (`{}` for none), or
 * throws AdminError or DomainError.
 */
export type AdminOperation = (input: AdminInput, context: AdminContext) => Promise<object>;

/** Who may call, and who is told. */
interface AdminGuard {
  readonly authenticate: Authenticate;
  readonly auditor: Pick<Auditor, 'begin'>;
}

type Operations = Readonly<Record<string, AdminOperation>>;

const contentType = 'application/x-amz-json-1.1';
/** The largest inputs are lists of some hundred short strings. */
const maxBodyBytes = 1_048_576;

/**
 * createAdminEndpoint speaks AWS JSON 1.1 for operations registered by their full name (`WorkMailService.CreateUser`): POST with
 * X-Amz-Target in, `{"__type","Message"}` with 400 for refusals, 500 InternalFailure for what we did not foresee.
 */
export function createAdminEndpoint(operations: Operations, guard: AdminGuard): HttpHandler {
  return async (request, response, context) => {
    const requestId = randomUUID();
    const started = { operation: targetOf(request).slice(0, 100), requestId };
    const { log } = context;
    try {
      const output = await run(operations, guard, request, context, requestId);
      log.info('admin.operation.done', started);
      answer(response, 200, requestId, output);
    } catch (error) {
      if (error instanceof HttpError) throw error;
      const refusal = toAdminError(error);
      if (refusal === undefined) {
        log.error('admin.operation.failed', { err: error }, started);
        answer(response, 500, requestId, { __type: 'InternalFailure', Message: localError(requestId) });
      } else {
        const level = refusal.type === 'ThrottlingException' ? 'debug' : 'info';
        log[level]('admin.operation.refused', { ...started, reason: refusal.type });
        answer(response, 400, requestId, { __type: refusal.type, Message: refusal.message });
      }
    }
  };
}

async function run(
  operations: Operations,
  { authenticate, auditor }: AdminGuard,
  request: IncomingMessage,
  http: HttpContext,
  requestId: string,
): Promise<object> {
  const sent = await authenticate(request, http, (hold) => readBody(request, maxBodyBytes, hold));
  try {
    return await runFor(sent, operations, auditor, request, http, requestId);
  } finally {
    sent.release();
  }
}

async function runFor(
  { caller, body }: Pick<Authenticated, 'caller' | 'body'>,
  operations: Operations,
  auditor: AdminGuard['auditor'],
  request: IncomingMessage,
  { log, remoteAddress }: HttpContext,
  requestId: string,
): Promise<object> {
  const name = targetOf(request);
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  const call = {
    requestId,
    operation: name.slice(0, 100),
    caller: caller.kind === 'socket' ? caller : { kind: caller.kind, id: caller.id, name: caller.name },
    sourceAddress: remoteAddress === '' ? undefined : remoteAddress,
    userAgent: request.headers['user-agent']?.slice(0, 256),
  };
  let end = () => auditor.begin({ ...call, organization: undefined, input: '' });
  try {
    if (operation === undefined) throw unknownOperation(name);
    const input = readInput(name, parseJson(body));
    const organization = organizationIn(input);
    const audited = { ...call, organization: auditedFor(caller, organization) };
    const begun = await auditor.begin({ ...audited, input: redactedInput(name, input) });
    end = async () => begun;
    authorize(caller, { operation: name, organization }, input);
    const output = await operation(input, { requestId, caller, log });
    await begun({ outcome: 'Success', message: undefined });
    return output;
  } catch (error) {
    const refusal = toAdminError(error) ?? { type: 'InternalFailure', message: localError(requestId) };
    const tell = await end();
    await tell({ outcome: refusal.type, message: refusal.message.slice(0, 1024) });
    throw error;
  }
}

/** What a key of one organisation asks of another is in the log of the installation, as what is asked of none: nobody writes to another's. */
function auditedFor(caller: Caller, named: OrganizationId | undefined): OrganizationId | undefined {
  if (caller.kind === 'socket' || caller.organization === undefined) return named;
  return caller.organization === named ? named : undefined;
}

function targetOf({ headers }: IncomingMessage): string {
  return String(headers['x-amz-target'] ?? '');
}

function localError(requestId: string): string {
  return `local error (${requestId})`;
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
