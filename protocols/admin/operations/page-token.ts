import { createHash } from 'node:crypto';
import { AdminError } from '../errors.ts';
import type { AdminInput } from '../shape.ts';
import { numberOf, textOf } from './input.ts';

/** How many rows a list answers unless asked for fewer: scripts read only the first page of aliases. */
const rowsPerPage = 100;
const sumBytes = 9;

/** PageAsked is which page of a list a request wants. */
interface PageAsked<After extends string = string> {
  readonly limit: number;
  /** What `nextToken` was given. */
  readonly after: After | undefined;
}

/**
 * pageAsked reads MaxResults and NextToken. A token says where to go on in one list only: `list` names it, with what
 * it is filtered by. Throws AdminError for a token that is none, or another list's.
 */
export function pageAsked(input: AdminInput, ...list: readonly unknown[]): PageAsked {
  const token = textOf(input, 'NextToken');
  const limit = numberOf(input, 'MaxResults') ?? rowsPerPage;
  return { limit, after: token === undefined ? undefined : read(token, list) };
}

/** What ids of entities, organisations and queued messages look like. */
const idForm = /^(?:[mr]-)?[0-9a-f]{32}$|^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** pageOfIdsAsked is pageAsked of a list that goes by ids. */
export function pageOfIdsAsked<Id extends string>(
  input: AdminInput,
  ...list: readonly unknown[]
): PageAsked<Id> {
  const { limit, after } = pageAsked(input, ...list);
  if (after !== undefined && !idForm.test(after)) throw notValid();
  return { limit, after: after as Id | undefined };
}

/** nextToken is the token that goes on after `after`; undefined at the end. */
export function nextToken(after: string | undefined, ...list: readonly unknown[]): string | undefined {
  if (after === undefined) return undefined;
  return Buffer.concat([sumOf(list, after), Buffer.from(after)]).toString('base64url');
}

function read(token: string, list: readonly unknown[]): string {
  const bytes = Buffer.from(token, 'base64url');
  const after = bytes.subarray(sumBytes).toString();
  if (nextToken(after, ...list) === token) return after;
  throw notValid();
}

function notValid(): AdminError {
  return new AdminError('InvalidParameterException', 'The NextToken is not valid.');
}

/** Against mistakes, not forgery: a token gives nothing its list would not. */
function sumOf(list: readonly unknown[], after: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify([list, after]))
    .digest()
    .subarray(0, sumBytes);
}
