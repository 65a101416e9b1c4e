import { describe, expect, test } from 'vitest';
import { type RequestHead, sha256, signatureOf } from './signature.ts';
import { verifySignature } from './verify.ts';

const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const nowMs = Date.parse('2026-11-23T10:00:00Z');

/** The published example `get-vanilla` of the signature's test suite, and queries: names and then values in their order. */
test.each([
  ['/', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
  ['/?Param2=value2&Param1=value1', 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'],
  ['/?Param1=value2&Param1=Value1', 'eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1'],
  ['/?Param-1=1&Param=2', 'c0c3cb74d09f33941fe8141283f5da569519eb517bb1472c1e02b120ee45e866'],
])('the signature of GET %s is the right one', (target, expected) => {
  const request = {
    method: 'GET',
    target,
    rawHeaders: ['Host', 'example.amazonaws.com', 'X-Amz-Date', '20150830T123600Z'],
  };
  const authorization = {
    date: '20150830',
    region: 'us-east-1',
    service: 'service',
    scope: '20150830/us-east-1/service/aws4_request',
    signedHeaders: ['host', 'x-amz-date'],
  };
  expect(signatureOf(request, Buffer.of(), authorization, '20150830T123600Z', secretAccessKey)).toBe(
    expected,
  );
});

interface Change {
  readonly accessKeyId?: string;
  readonly service?: string;
  readonly amzDate?: string;
  readonly scopeDate?: string;
  readonly signed?: readonly string[];
  /** Added after the signature was made. */
  readonly added?: readonly string[];
  readonly body?: string;
  readonly secret?: string;
  readonly authorization?: string;
  readonly headers?: readonly string[];
}

function requestWith(change: Change = {}): RequestHead & { readonly body: Uint8Array } {
  const amzDate = change.amzDate ?? '20261123T100000Z';
  const date = change.scopeDate ?? amzDate.slice(0, 8);
  const service = change.service ?? 'workmail';
  const scope = `${date}/eu-west-1/${service}/aws4_request`;
  const signedHeaders = change.signed ?? ['host', 'x-amz-date', 'x-amz-target'];
  const headers = change.headers ?? [];
  const request = {
    method: 'POST',
    target: '/api/aws/',
    rawHeaders: [
      'Host',
      'mail.example.org',
      'X-Amz-Date',
      amzDate,
      'X-Amz-Target',
      'WorkMailService.ListUsers',
      ...headers,
    ],
  };
  const signing = { date, region: 'eu-west-1', service, scope, signedHeaders };
  const signature = signatureOf(
    request,
    Buffer.from('{}'),
    signing,
    amzDate,
    change.secret ?? secretAccessKey,
  );
  const credential = `${change.accessKeyId ?? 'AKIDEXAMPLE000000000'}/${scope}`;
  const header =
    change.authorization ??
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
  return {
    ...request,
    rawHeaders: [...request.rawHeaders, ...(change.added ?? []), 'Authorization', header],
    body: Buffer.from(change.body ?? '{}'),
  };
}

const verify = (request: ReturnType<typeof requestWith>) =>
  verifySignature(request, nowMs, keyOf, async () => request.body);
const keyOf = async (id: string) => (id === 'AKIDEXAMPLE000000000' ? { id, secretAccessKey } : undefined);

test('a key that is deleted while the body comes has signed nothing', async () => {
  const keys = new Map([['AKIDEXAMPLE000000000', { secretAccessKey }]]);
  const request = requestWith();
  const readBody = async () => {
    keys.clear();
    return request.body;
  };
  const verified = verifySignature(request, nowMs, async (id) => keys.get(id), readBody);
  await expect(verified).rejects.toMatchObject({ type: 'UnrecognizedClientException' });
});

test('a good signature gives its key', async () => {
  await expect(verify(requestWith())).resolves.toMatchObject({ secretAccessKey });
});

describe('Signature Version 4', () => {
  test.each<[string, Change, string]>([
    ['no Authorization', { authorization: '' }, 'MissingAuthenticationTokenException'],
    ['Basic credentials', { authorization: 'Basic eDp5' }, 'IncompleteSignatureException'],
    [
      'no Signature',
      { authorization: 'AWS4-HMAC-SHA256 Credential=x/y, SignedHeaders=host' },
      'IncompleteSignatureException',
    ],
    ['a credential of another form', { accessKeyId: 'short' }, 'IncompleteSignatureException'],
    ['an unknown key', { accessKeyId: 'AKIDEXAMPLE000000001' }, 'UnrecognizedClientException'],
    ['a wrong secret', { secret: 'wrong' }, 'InvalidSignatureException'],
    ['another service', { service: 'ses' }, 'InvalidSignatureException'],
    ['another body', { body: '{"a":1}' }, 'InvalidSignatureException'],
    [
      'the hash of another body',
      {
        headers: ['X-Amz-Content-Sha256', sha256('x')],
        signed: ['host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-target'],
      },
      'InvalidSignatureException',
    ],
    ['a clock 6 minutes behind', { amzDate: '20261123T095359Z' }, 'InvalidSignatureException'],
    ['a clock 6 minutes ahead', { amzDate: '20261123T100601Z' }, 'InvalidSignatureException'],
    ['a date that is none', { amzDate: '20261399T100000Z' }, 'IncompleteSignatureException'],
    ['another date in its scope', { scopeDate: '20261122' }, 'InvalidSignatureException'],
    ['a target that is not signed', { signed: ['host', 'x-amz-date'] }, 'InvalidSignatureException'],
    ['a host that is not signed', { signed: ['x-amz-date', 'x-amz-target'] }, 'InvalidSignatureException'],
    [
      'a signed header that is not there',
      { signed: ['host', 'x-amz-date', 'x-amz-target', 'x-other'] },
      'InvalidSignatureException',
    ],
    [
      'a second target',
      { added: ['X-Amz-Target', 'WorkMailService.DeleteUser'] },
      'InvalidSignatureException',
    ],
    [
      'a session token',
      {
        headers: ['X-Amz-Security-Token', 't'],
        signed: ['host', 'x-amz-date', 'x-amz-security-token', 'x-amz-target'],
      },
      'UnrecognizedClientException',
    ],
  ])('%s is refused', async (_what, change, type) => {
    await expect(verify(requestWith(change))).rejects.toMatchObject({ type });
  });

  test.each(['20261123T095501Z', '20261123T100459Z'])(
    'a clock at %s is taken, for ten o’clock',
    async (amzDate) => {
      await expect(verify(requestWith({ amzDate }))).resolves.toBeDefined();
    },
  );

  test('a header that a proxy adds is not in the way', async () => {
    const added = ['X-Amzn-Trace-Id', 'Root=1', 'Amz-Sdk-Request', 'attempt=1', 'Via', '1.1 proxy'];
    await expect(verify(requestWith({ added }))).resolves.toBeDefined();
  });
});
