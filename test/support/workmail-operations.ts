/** The operations of Amazon's client by their names, each sent as its own command; every answer is held against the model. */
import * as workmail from '@aws-sdk/client-workmail';
import { faultsOfAnswer } from './answer-shapes.ts';
import { awsClient, type Credentials } from './aws-client.ts';
import type { TestServer } from './start-server.ts';

type Sdk = typeof workmail;
type OperationOf<Name> = Name extends '$Command'
  ? never
  : Name extends `${infer Operation}Command`
    ? Operation
    : never;

/** `CreateUser`. */
export type Operation = OperationOf<keyof Sdk>;
/** `EntityNotFoundException`. */
export type Exception = Extract<keyof Sdk, `${string}Exception`>;
type Command<O extends Operation> = InstanceType<Sdk[`${O}Command`]>;
export type InputOf<O extends Operation> = Command<O>['input'];
export type OutputOf<O extends Operation> = Awaited<
  ReturnType<ReturnType<Command<O>['resolveMiddleware']>>
>['output'];

/** Sends operations with one key. */
export interface OperationClient {
  /** The client itself, for what takes one. */
  readonly sdk: workmail.WorkMailClient;
  call<O extends Operation>(operation: O, input: InputOf<O>): Promise<OutputOf<O>>;
  /** The same with an input that is made up. */
  callWith(operation: Operation, input: object): Promise<object>;
  /** The operations that were called. */
  readonly called: ReadonlySet<string>;
  /** What was wrong with the answers. */
  readonly faults: readonly string[];
  /** The members they had: `DescribeUserResponse.Email`. */
  readonly seen: ReadonlySet<string>;
}

type Constructor = new (input: object) => Parameters<workmail.WorkMailClient['send']>[0];

/** A client for a server, closed when the test is over; `nowMs` is the server's clock, if that is not the machine's. */
export function operationClient(
  site: TestServer,
  credentials: Credentials,
  nowMs: () => number = Date.now,
): OperationClient {
  const sdk = awsClient(site, credentials);
  const called = new Set<string>();
  const faults: string[] = [];
  const seen = new Set<string>();
  sdk.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        const response = result.response as { statusCode: number; body: unknown };
        const chunks: Uint8Array[] = [];
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk);
        const text = Buffer.concat(chunks).toString();
        response.body = new TextEncoder().encode(text);
        const operation = String(commandName).replace(/Command$/, '');
        called.add(operation);
        faults.push(...faultsOfAnswer(operation, response.statusCode, JSON.parse(text), seen));
        return result;
      },
    { step: 'deserialize', priority: 'low', name: 'holdAgainstModel' },
  );
  const commands = workmail as unknown as Readonly<Record<string, Constructor | undefined>>;
  const callWith = (operation: Operation, input: object): Promise<object> => {
    const OperationCommand = commands[`${operation}Command`];
    if (OperationCommand === undefined) throw new TypeError(`the client has no ${operation}Command`);
    sdk.config.systemClockOffset = nowMs() - Date.now();
    return sdk.send(new OperationCommand(input));
  };
  return {
    sdk,
    called,
    faults,
    seen,
    callWith,
    call: (operation, input) => callWith(operation, input) as ReturnType<OperationClient['call']> as never,
  };
}

/** The class that Amazon's client throws for an exception of the model. */
export function classOf(exception: Exception): new (...args: never[]) => Error {
  const classes: Sdk = workmail;
  return classes[exception];
}
