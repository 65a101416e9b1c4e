import type { IncomingMessage } from 'node:http';
import { type AccessGrant, type AccessKey, type AccessKeys, policyOf } from '#directory/access-keys';
import { type AccessPolicy, isAllowed } from '#directory/access-policy';
import type { OrganizationId } from '#domain/ids';
import type { Clock } from '#domain/outside';
import { type BodyHold, BodyRoom } from '#protocols/http/body-room';
import type { HttpContext } from '#protocols/http/handler';
import { AdminError } from './errors.ts';
import { modelOf } from './model.ts';
import { textOf } from './operations/input.ts';
import type { AdminInput } from './shape.ts';
import { Guesses } from './sigv4/guesses.ts';
import { verifySignature } from './sigv4/verify.ts';

/** Caller is who asks for an operation: somebody on the admin socket, or an access key. */
export type Caller = { readonly kind: 'socket' } | KeyCaller;

interface KeyCaller {
  readonly kind: 'access-key';
  readonly id: string;
  readonly name: string;
  /** Undefined: it is for the whole installation. */
  readonly organization: OrganizationId | undefined;
  readonly grant: AccessGrant;
  readonly within: readonly AccessGrant[];
  /** What all of them allow it may do. */
  readonly policies: readonly AccessPolicy[];
}

/** An authenticated request: who sent it, and its body. */
export interface Authenticated {
  readonly caller: Caller;
  readonly body: Buffer;
  /** Gives back the room that the body took; to be called when the request is done with. */
  readonly release: () => void;
}

/**
 * Authenticate says who sent a request, and reads its body, which may be worth reading only then. Throws AdminError,
 * HttpError.
 */
export type Authenticate = (
  request: IncomingMessage,
  http: Pick<HttpContext, 'remoteAddress' | 'log'>,
  readBody: (hold?: BodyHold) => Promise<Buffer>,
) => Promise<Authenticated>;

/** Who may open the admin socket is an administrator. */
export const onAdminSocket: Authenticate = async (_request, _http, readBody) => ({
  caller: { kind: 'socket' },
  body: await readBody(),
  release: () => undefined,
});

/** What bodies of over 64 KiB may hold in memory, all requests together: of keys known where they come from, and of others. */
const roomBytes = 16 * 1_048_576;

/** The caller is the access key that signed the request (AWS Signature Version 4). */
export function bySignature(keys: AccessKeys, clock: Clock): Authenticate {
  const guesses = new Guesses(clock);
  const [provenRoom, otherRoom] = [new BodyRoom(roomBytes), new BodyRoom(roomBytes)];
  return async (request, http, readBody) => {
    const { method = '', url: target = '', rawHeaders } = request;
    let named = '';
    let body: Buffer = Buffer.of();
    let hold: BodyHold | undefined;
    const keyOf = (id: string) => {
      named = id;
      return keys.find(id);
    };
    const read = async () => {
      hold = (guesses.isProven(http, named) ? provenRoom : otherRoom).hold();
      body = await readBody(hold);
      return body;
    };
    const release = () => hold?.release();
    try {
      const key = await verifySignature({ method, target, rawHeaders }, clock.now(), keyOf, read);
      guesses.succeeded(http, key.id);
      await keys.used(key);
      return { caller: callerOf(key), body, release };
    } catch (error) {
      release();
      body = Buffer.of();
      throw error instanceof AdminError ? await guesses.failed(http, named, error) : error;
    }
  };
}

function callerOf({ id, name, organization, grant, within }: AccessKey): KeyCaller {
  const policies = [grant, ...within].map(policyOf);
  return { kind: 'access-key', id, name, organization, grant, within, policies };
}

/** What an operation is about, as far as its input says. */
export interface Target {
  /** `WorkMailService.CreateUser`. */
  readonly operation: string;
  readonly organization: OrganizationId | undefined;
}

const arnForm = /^arn:aws:workmail:[^:]*:[^:]*:organization\/(m-[0-9a-f]{32})$/;

/** The organisation that a checked input names, by its id or its ARN; undefined for operations on none. */
export function organizationIn(input: AdminInput): OrganizationId | undefined {
  const named = textOf(input, 'OrganizationId') ?? arnForm.exec(textOf(input, 'ResourceARN') ?? '')?.[1];
  return named as OrganizationId | undefined;
}

/** What a key of one organisation may ask that names none: it answers for that organisation alone. */
const ownOperations = new Set(['WorkMailService.ListOrganizations']);

/**
 * Refuses what the caller may not do. To a key of one organisation there are no others. Throws AdminError
 * AccessDeniedException, OrganizationNotFoundException, ResourceNotFoundException.
 */
export function authorize(caller: Caller, { operation, organization }: Target, input: AdminInput): void {
  if (caller.kind === 'socket') return;
  const resource =
    organization === undefined ? '*' : `arn:aws:workmail:local:000000000000:organization/${organization}`;
  const actions = actionsOf(operation);
  const [action = ''] = actions;
  if (caller.organization !== undefined && caller.organization !== organization) {
    if (input['ResourceARN'] !== undefined) {
      throw new AdminError('ResourceNotFoundException', 'The resource does not exist.');
    }
    if (organization !== undefined) {
      throw new AdminError('OrganizationNotFoundException', 'The organization does not exist.');
    }
    if (!ownOperations.has(operation)) {
      throw denied(caller, action, resource, 'it needs an access key of the whole installation');
    }
  }
  for (const one of actions) {
    if (!caller.policies.every((policy) => isAllowed(policy, one, resource))) {
      throw denied(caller, one, resource, 'no policy allows the action, or one denies it');
    }
  }
}

/** An operation of ours that has the name of one of the WorkMail API does the same: a policy that denies either denies both. */
function actionsOf(operation: string): readonly string[] {
  const [service, name = ''] = operation.split('.', 2);
  if (service === 'WorkMailService') return [`workmail:${name}`];
  const isInBoth = modelOf(`WorkMailService.${name}`) !== undefined;
  return [`mailstead:${name}`, ...(isInBoth ? [`workmail:${name}`] : [])];
}

function denied({ id }: KeyCaller, action: string, resource: string, reason: string): AdminError {
  return new AdminError(
    'AccessDeniedException',
    `User: ${id} is not authorized to perform: ${action} on resource: ${resource}: ${reason}`,
  );
}
