import { Agent } from 'node:https';
import { WorkMailClient } from '@aws-sdk/client-workmail';
import { onTestFinished } from 'vitest';
import type { TestServer } from './start-server.ts';

/** What a request is signed with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Makes an access key on the admin socket; `input` as that of CreateAccessKey. */
export async function createKey(
  { admin }: TestServer,
  input: Readonly<Record<string, unknown>>,
): Promise<Credentials> {
  const made = await admin('Mailstead.CreateAccessKey', { Name: 'test', ...input });
  return { accessKeyId: String(made['AccessKeyId']), secretAccessKey: String(made['SecretAccessKey']) };
}

/** Amazon's own client, pointed at a server; `path` as behind a proxy. Closed when the test is over. */
export function awsClient(
  { baseUrl, ca }: TestServer,
  credentials: Credentials,
  options: {
    readonly path?: string;
    readonly systemClockOffset?: number;
    readonly maxAttempts?: number;
  } = {},
): WorkMailClient {
  const client = new WorkMailClient({
    endpoint: `${baseUrl}${options.path ?? ''}`,
    region: 'eu-west-1',
    credentials,
    maxAttempts: 1,
    systemClockOffset: options.systemClockOffset ?? 0,
    requestHandler: { httpsAgent: new Agent({ ca, keepAlive: true }) },
  });
  onTestFinished(() => client.destroy());
  return client;
}
