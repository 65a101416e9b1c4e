import { timingSafeEqual } from 'node:crypto';
import { AdminError } from '../errors.ts';
import { type Authorization, readAuthorization } from './authorization.ts';
import { headersOf, type RequestHead, sha256, signatureOf } from './signature.ts';

/** What is looked up of an access key. */
interface SecretKey {
  readonly secretAccessKey: string;
}

/** A request may be as old as this, and as far ahead: clocks differ, and answers are not repeated for ever. */
const windowMs = 5 * 60_000;
const serviceName = 'workmail';

/**
 * Verifies the signature of a request (AWS Signature Version 4, in the Authorization header) and gives the access key that
 * made it. `keyOf` looks one up by its id; the body is read only for a key that there is. Throws AdminError with AWS's
 * exception: MissingAuthenticationTokenException, IncompleteSignatureException, UnrecognizedClientException,
 * InvalidSignatureException.
 */
export async function verifySignature<Key extends SecretKey>(
  request: RequestHead,
  nowMs: number,
  keyOf: (accessKeyId: string) => Promise<Key | undefined>,
  readBody: () => Promise<Uint8Array>,
): Promise<Key> {
  const authorization = readAuthorization(single(request, 'authorization'));
  const amzDate = readDate(request, authorization, nowMs);
  if (authorization.service !== serviceName) {
    throw invalid(`Credential should be scoped to correct service: '${serviceName}'.`);
  }
  checkSignedHeaders(request, authorization.signedHeaders);
  const key = await keyOf(authorization.accessKeyId);
  // A session token is never ours.
  if (key === undefined || single(request, 'x-amz-security-token') !== undefined) throw unrecognized();
  const body = await readBody();
  // A body may take minutes to come: a key that was deleted meanwhile signs nothing any more.
  if ((await keyOf(authorization.accessKeyId)) === undefined) throw unrecognized();
  const declared = single(request, 'x-amz-content-sha256');
  if (declared !== undefined && declared !== sha256(body)) {
    throw invalid('The value of x-amz-content-sha256 is not the SHA-256 of the body.');
  }
  const expected = signatureOf(request, body, authorization, amzDate, key.secretAccessKey);
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(authorization.signature))) {
    throw invalid(
      'The request signature we calculated does not match the signature you provided. ' +
        'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    );
  }
  return key;
}

/** The time of the request, which has to be near ours. */
function readDate(request: RequestHead, { date }: Authorization, nowMs: number): string {
  const given = single(request, 'x-amz-date');
  if (given === undefined) {
    throw new AdminError(
      'IncompleteSignatureException',
      "Authorization header requires existence of an 'X-Amz-Date' header.",
    );
  }
  const form = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(given);
  const ms = form === null ? Number.NaN : Date.parse(isoOf(form));
  if (Number.isNaN(ms)) {
    throw new AdminError('IncompleteSignatureException', 'X-Amz-Date must be in ISO8601 basic format.');
  }
  if (!given.startsWith(date))
    throw invalid(
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.',
    );
  if (ms < nowMs - windowMs) {
    throw invalid(
      `Signature expired: ${given} is now earlier than ${basic(nowMs - windowMs)} (${basic(nowMs)} - 5 min.)`,
    );
  }
  if (ms > nowMs + windowMs) {
    throw invalid(
      `Signature not yet current: ${given} is still later than ${basic(nowMs + windowMs)} (${basic(nowMs)} + 5 min.)`,
    );
  }
  return given;
}

function isoOf([, year, month, day, hour, minute, second]: RegExpExecArray): string {
  return `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
}

function basic(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

/** What says whom and what a request is for has to be signed: `host`, and whatever begins with `x-amz-`. */
function checkSignedHeaders({ rawHeaders }: RequestHead, names: readonly string[]): void {
  const sent = headersOf(rawHeaders);
  const signed = new Set(names);
  // A long header named a thousand times would be hashed a thousand times.
  if (signed.size < names.length) throw invalid('A signed header is named more than once.');
  const needed = ['host', ...[...sent.keys()].filter((name) => name.startsWith('x-amz-'))];
  const missing = needed.find((name) => !signed.has(name));
  if (missing !== undefined) {
    throw invalid(`'${missing.slice(0, 100)}' must be a 'SignedHeader' in the AWS Authorization.`);
  }
  const absent = names.find((name) => !sent.has(name));
  if (absent !== undefined)
    throw invalid(`The signed header '${absent.slice(0, 100)}' is not in the request.`);
}

/** A header that is there once; undefined if it is not there. */
function single({ rawHeaders }: RequestHead, name: string): string | undefined {
  const values = headersOf(rawHeaders).get(name) ?? [];
  if (values.length > 1) throw invalid(`The header ${name} is there more than once.`);
  return values[0]?.trim();
}

function unrecognized(): AdminError {
  return new AdminError(
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  );
}

function invalid(message: string): AdminError {
  return new AdminError('InvalidSignatureException', message);
}
