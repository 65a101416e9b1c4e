import { request } from 'node:http';
import { relative } from 'node:path';
import { CliError } from './terminal.ts';

/** ApiError is a refusal by the API: its exception type and its text. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Output is an operation's answer, in the API's own shape. */
export interface Output {
  readonly [member: string]: unknown;
}

/** AdminClient calls operations of a running server over its admin socket. */
export class AdminClient {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws ApiError for a refusal, CliError when no server answers. */
  async call(target: string, input: object = {}): Promise<Output> {
    const { status, text } = await this.#post(target, JSON.stringify(input));
    const answer = parse(text);
    if (status === 200 && answer !== undefined) return answer;
    if (typeof answer?.['__type'] !== 'string') {
      throw new CliError(`The server answered ${status} without an error type: see its log.`);
    }
    throw new ApiError(answer['__type'], String(answer['Message'] ?? ''));
  }

  /** Gives one list of all pages. */
  async list(target: string, member: string, input: object = {}): Promise<Output> {
    const members: unknown[] = [];
    let nextToken: unknown;
    do {
      const page = await this.call(
        target,
        nextToken === undefined ? input : { ...input, NextToken: nextToken },
      );
      const part = page[member];
      if (Array.isArray(part)) members.push(...part);
      nextToken = page['NextToken'] ?? undefined;
    } while (nextToken !== undefined);
    return { [member]: members };
  }

  #post(target: string, body: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': target };
      const options = { socketPath: shortest(this.#path), path: '/', method: 'POST', headers, agent: false };
      const sent = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', reject);
      });
      sent.on('error', (error: NodeJS.ErrnoException) => reject(this.#unreachable(error))).end(body);
    });
  }

  #unreachable(error: NodeJS.ErrnoException): CliError {
    switch (error.code) {
      case 'ENOENT':
      case 'ECONNREFUSED':
      case 'ENOTDIR':
        return new CliError(
          `No server answers at ${this.#path}. Start it with "mailstead serve", or name its data directory with --data DIR.`,
        );
      case 'EACCES':
        return new CliError(`You may not open ${this.#path}. Run this as the user the server runs as.`);
      default:
        return new CliError(
          `The server at ${this.#path} broke off (${error.code}). See its log and try again.`,
        );
    }
  }
}

function parse(text: string): Output | undefined {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null ? (value as Output) : undefined;
  } catch {
    return undefined;
  }
}

/** A socket's path has room for about a hundred bytes. */
function shortest(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
