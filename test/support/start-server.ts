/** A whole server on free loopback ports with a temporary data directory, stopped when the test is over. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadConfig } from '#config/load';
import type { Clock } from '#domain/outside';
import { systemOutside } from '../../src/outside.ts';
import { createServer, type Server } from '../../src/server.ts';
import { quickPasswords } from './quick-passwords.ts';
import { tempFolder } from './temp-store.ts';

/** A server, and what a test needs to reach it. */
export interface TestServer {
  readonly server: Server;
  readonly dataDir: string;
  /** `https://127.0.0.1:<port>`. */
  readonly baseUrl: string;
  /** PEM of the authority that signed the server's certificate. */
  readonly ca: string;
  readonly smtp: { readonly host: string; readonly port: number };
  /** The organisation that every test server has; its test mail domain is `test.mailstead.test`. */
  readonly organization: string;
  /** Calls an operation over the admin socket. Rejects with the answer's `__type` as the error's name. */
  admin(operation: string, input?: object): Promise<Record<string, unknown>>;
  /** Makes an enabled user and gives its address and password. */
  addUser(name: string): Promise<TestUser>;
}

export interface TestUser {
  readonly id: string;
  readonly address: string;
  readonly password: string;
}

/** Starts a server; `settings` are environment variables as in the contract. */
export async function startServer(
  options: { settings?: Record<string, string>; clock?: Clock; folder?: string } = {},
): Promise<TestServer> {
  const folder = options.folder ?? (await tempFolder());
  const dataDir = join(folder, 'data');
  const config = loadConfig({
    data: dataDir,
    cwd: folder,
    env: {
      MAILSTEAD_HOSTNAME: 'localhost',
      MAILSTEAD_BASE_DOMAIN: 'mailstead.test',
      MAILSTEAD_LISTEN_SMTP: '127.0.0.1:0',
      MAILSTEAD_LISTEN_SUBMISSION: '127.0.0.1:0',
      MAILSTEAD_LISTEN_SUBMISSIONS: '127.0.0.1:0',
      MAILSTEAD_LISTEN_HTTPS: '127.0.0.1:0',
      MAILSTEAD_LISTEN_HTTP: '127.0.0.1:0',
      MAILSTEAD_QUICK_SETUP: 'false',
      MAILSTEAD_LOG_LEVEL: 'silent',
      ...options.settings,
    },
  });
  const outside = { ...systemOutside, clock: options.clock ?? systemOutside.clock };
  const server = await createServer(config, outside, quickPasswords);
  await server.start();
  onTestFinished(() => server.stop());
  const admin = (operation: string, input: object = {}) =>
    callAdmin(join(dataDir, 'admin.sock'), operation, input);
  const organization = await ensureOrganization(admin);
  const [host = '', port = ''] = (server.addresses['smtp'] ?? '').split(':');
  return {
    server,
    dataDir,
    baseUrl: `https://${server.addresses['https']}`,
    ca: await readFile(join(dataDir, 'tls', 'ca.pem'), 'utf8'),
    smtp: { host, port: Number(port) },
    organization,
    admin,
    addUser: (name) => addUser(admin, organization, name),
  };
}

type Admin = TestServer['admin'];

async function ensureOrganization(admin: Admin): Promise<string> {
  const listed = await admin('ListOrganizations');
  const [known] = listed['OrganizationSummaries'] as { OrganizationId: string }[];
  if (known !== undefined) {
    return known.OrganizationId;
  }
  return String((await admin('CreateOrganization', { Alias: 'test' }))['OrganizationId']);
}

async function addUser(admin: Admin, OrganizationId: string, name: string): Promise<TestUser> {
  const password = `Secret-${randomBytes(6).toString('hex')}`;
  const created = await admin('CreateUser', {
    OrganizationId,
    Name: name,
    DisplayName: name.charAt(0).toUpperCase() + name.slice(1),
    Password: password,
  });
  const id = String(created['UserId']);
  const address = `${name}@test.mailstead.test`;
  await admin('RegisterToWorkMail', { OrganizationId, EntityId: id, Email: address });
  return { id, address, password };
}

/** AWS JSON 1.1 over the admin socket of a server. Rejects with the answer's `__type` as the error's name. */
export function callAdmin(
  socketPath: string,
  operation: string,
  input: object,
): Promise<Record<string, unknown>> {
  const target = operation.includes('.') ? operation : `WorkMailService.${operation}`;
  return new Promise((resolve, reject) => {
    const call = request(
      {
        socketPath,
        method: 'POST',
        path: '/',
        headers: { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': target },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>;
          if (response.statusCode === 200) {
            resolve(body);
          } else {
            const error = new Error(String(body['Message']));
            error.name = String(body['__type']);
            reject(error);
          }
        });
      },
    );
    call.on('error', reject);
    call.end(JSON.stringify(input));
  });
}
