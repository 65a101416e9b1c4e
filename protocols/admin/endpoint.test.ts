import { once } from 'node:events';
import { link, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DomainError } from '#domain/errors';
import type { HttpListener } from '#protocols/http/listener';
import { createLogger, silentLogger } from '#telemetry/log';
import { unguardedAdmin } from '#test/support/unguarded-admin';
import type { AdminOperation } from './endpoint.ts';
import { listenOnAdminSocket } from './socket.ts';

const OrganizationId = `m-${'0'.repeat(32)}`;
let dir: string;
let path: string;
let listener: HttpListener | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mailstead-admin-'));
  path = join(dir, 'admin.sock');
});
afterEach(async () => {
  await listener?.stop(0);
  listener = undefined;
  await rm(dir, { recursive: true });
});

async function serve(operations: Record<string, AdminOperation>, log = silentLogger): Promise<void> {
  listener = await listenOnAdminSocket(path, unguardedAdmin(operations), log);
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

function call(target: string, body: string | Uint8Array, method = 'POST'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'X-Amz-Target': target, 'Content-Type': 'application/x-amz-json-1.1' };
    const sent = request({ socketPath: path, method, path: '/', headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        const isJson = response.headers['content-type'] === 'application/x-amz-json-1.1';
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: isJson ? JSON.parse(text) : text,
        });
      });
    });
    sent.on('error', reject).end(body);
  });
}

const describe: AdminOperation = async (input) => ({
  ...input,
  State: 'Active',
  CompletedDate: 1522693605.468,
});
const ok = JSON.stringify({ OrganizationId });

test('an operation answers 200 with its output, a request id and the type of AWS JSON 1.1', async () => {
  await serve({ 'WorkMailService.DescribeOrganization': describe });
  const answer = await call('WorkMailService.DescribeOrganization', ok);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ OrganizationId, State: 'Active', CompletedDate: 1522693605.468 });
  expect(answer.headers).toMatchObject({
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-requestid': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

test('an empty body is an empty input', async () => {
  await serve({ 'WorkMailService.ListOrganizations': async () => ({ OrganizationSummaries: [] }) });
  expect(await call('WorkMailService.ListOrganizations', '')).toMatchObject({ status: 200 });
});

test.each<[name: string, body: string | Uint8Array, type: string]>([
  ['is not JSON', '{', 'SerializationException'],
  ['is not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'SerializationException'],
  ['is no structure', '3', 'SerializationException'],
  ['breaks the model', '{}', 'InvalidParameterException'],
])('a body that %s is refused with 400 and __type', async (_name, body, type) => {
  await serve({ 'WorkMailService.DescribeOrganization': describe });
  const answer = await call('WorkMailService.DescribeOrganization', body);
  expect(answer).toMatchObject({ status: 400, body: { __type: type, Message: expect.any(String) } });
});

test.each(['WorkMailService.DeleteOrganization', 'WorkMailService.Nope', '', 'toString'])(
  'the target "%s" is an unknown operation, also when only the model knows it',
  async (target) => {
    await serve({ 'WorkMailService.DescribeOrganization': describe });
    expect(await call(target, ok)).toMatchObject({
      status: 400,
      body: { __type: 'UnknownOperationException' },
    });
  },
);

test('a refusal of the domain becomes its exception', async () => {
  await serve({
    'WorkMailService.DescribeOrganization': async () => {
      throw new DomainError('organization/not-found', 'No such organisation');
    },
  });
  expect(await call('WorkMailService.DescribeOrganization', ok)).toMatchObject({
    status: 400,
    body: { __type: 'OrganizationNotFoundException', Message: 'No such organisation' },
  });
});

test('what nobody foresaw is 500 InternalFailure, without its text, and logged under the request id', async () => {
  const lines: string[] = [];
  const operations: Record<string, AdminOperation> = {
    'WorkMailService.DescribeOrganization': async () => {
      throw new Error('secret detail');
    },
  };
  await serve(operations, createLogger('error', { write: (line) => void lines.push(line) }));
  const answer = await call('WorkMailService.DescribeOrganization', ok);
  expect(answer).toMatchObject({ status: 500, body: { __type: 'InternalFailure' } });
  expect(JSON.stringify(answer.body)).not.toContain('secret detail');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    event: 'admin.operation.failed',
    operation: 'WorkMailService.DescribeOrganization',
    requestId: answer.headers['x-amzn-requestid'],
    err: { message: 'secret detail' },
  });
});

test('a body over 1 MiB is refused', async () => {
  await serve({ 'WorkMailService.DescribeOrganization': describe });
  expect((await call('WorkMailService.DescribeOrganization', Buffer.alloc(1_048_577, ' '))).status).toBe(413);
});

test('the socket has mode 0600 from its first moment, and is gone after the stop', async () => {
  const umask = process.umask(0);
  await serve({});
  process.umask(umask);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await listener?.stop();
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a socket left behind by a killed server is replaced', async () => {
  const killed = createServer().listen(`${path}.live`);
  await once(killed, 'listening');
  // A second name, which closing the server does not remove: what kill -9 leaves.
  await link(`${path}.live`, path);
  await new Promise((resolve) => killed.close(resolve));
  expect((await stat(path)).isSocket()).toBe(true);
  await serve({ 'WorkMailService.DescribeOrganization': describe });
  expect((await call('WorkMailService.DescribeOrganization', ok)).status).toBe(200);
});

test('a socket that answers is left alone', async () => {
  const other = createServer().listen(path);
  await once(other, 'listening');
  await expect(serve({})).rejects.toThrow(/in use by another server/);
  await new Promise((resolve) => other.close(resolve));
});

test('a file that is no socket is left alone', async () => {
  await writeFile(path, 'mine');
  await expect(serve({})).rejects.toThrow(/is not a socket/);
});

test('a path too long for a socket says so', async () => {
  path = join(dir, 'd'.repeat(120), 'admin.sock');
  await mkdir(join(dir, 'd'.repeat(120)));
  await expect(serve({})).rejects.toThrow(/too long for a socket/);
});
