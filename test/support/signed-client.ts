/** Signs requests to the admin API itself, so that any operation and any header can be sent. */
import { Agent, request } from 'node:https';
import { onTestFinished } from 'vitest';
import { signatureOf } from '#protocols/admin/sigv4/signature';
import type { Credentials } from './aws-client.ts';
import type { TestServer } from './start-server.ts';

/** An answer of the admin API: `type` is `__type` of a refusal, undefined of what was done, and of what HTTP refuses. */
export interface SignedAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly text: string;
  readonly output: Readonly<Record<string, unknown>>;
}

/** The headers of a request that is signed (AWS Signature Version 4). */
export function signedHeaders(
  host: string,
  target: string,
  body: string | Uint8Array,
  { accessKeyId, secretAccessKey }: Credentials,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const amzDate = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const date = amzDate.slice(0, 8);
  const bytes = Buffer.from(body);
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host,
    'x-amz-date': amzDate,
    'x-amz-target': target,
    ...more,
  };
  const names = Object.keys(headers).sort();
  const scope = `${date}/eu-west-1/workmail/aws4_request`;
  const signing = { date, region: 'eu-west-1', service: 'workmail', scope, signedHeaders: names };
  const head = { method: 'POST', target: '/', rawHeaders: Object.entries(headers).flat() };
  const signature = signatureOf(head, bytes, signing, amzDate, secretAccessKey);
  const parts = [`Credential=${accessKeyId}/${scope}`, `SignedHeaders=${names.join(';')}`];
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 ${parts.join(', ')}, Signature=${signature}`,
  };
}

/** Calls operations by their full names with one connection; its end is the test's. */
export function signedClient({ baseUrl, ca }: TestServer) {
  const agent = new Agent({ ca, keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const { host } = new URL(baseUrl);
  return (credentials: Credentials, target: string, input: object = {}): Promise<SignedAnswer> => {
    const body = JSON.stringify(input);
    const headers = signedHeaders(host, target, body, credentials);
    return new Promise((resolve, reject) => {
      const sent = request(`${baseUrl}/`, { method: 'POST', agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = response.headers['content-type'] === 'application/x-amz-json-1.1';
          const output = JSON.parse(isJson ? text : '{}') as Record<string, unknown>;
          const type = output['__type'] === undefined ? undefined : String(output['__type']);
          resolve({ status: response.statusCode ?? 0, type, text, output });
        });
      });
      sent.once('error', reject);
      sent.end(body);
    });
  };
}
