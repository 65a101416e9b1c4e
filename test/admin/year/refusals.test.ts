/** Every exception that the model lists for an operation: provoked over Amazon's client, or told why it cannot be. */
import { expect, test } from 'vitest';
import { listedErrors, workMailModel } from '#test/support/answer-shapes';
import { createKey } from '#test/support/aws-client';
import {
  classOf,
  type Operation,
  type OperationClient,
  operationClient,
} from '#test/support/workmail-operations';
import { type GoodInputs, goodInputs } from './good-inputs.ts';
import { type Refusal, refused } from './refusal.ts';
import { refusalsOfPeople } from './refusals-of-people.ts';
import { refusalsOfSettings } from './refusals-of-settings.ts';
import { nobody, nowhere, type Scene, startScene } from './scene.ts';
import { unprovoked } from './unprovoked.ts';

const operations = Object.keys(workMailModel.operations) as Operation[];

/** What every operation on an organisation refuses alike. */
const everywhere = [
  ['OrganizationNotFoundException', 'no organisation', () => nowhere],
  ['OrganizationStateException', 'a deleted organisation', ({ closed }: Scene) => closed],
  ['InvalidParameterException', 'no OrganizationId', () => 'm-1'],
] as const;

function refusalsOf(scene: Scene, good: GoodInputs): readonly Refusal[] {
  const common = everywhere.flatMap(([exception, how, organization]) =>
    operations
      .filter((operation) => Object.hasOwn(good[operation], 'OrganizationId'))
      .filter((operation) => listedErrors(operation).includes(exception))
      .map((operation) =>
        refused(operation, exception, how, { OrganizationId: organization(scene) } as object),
      ),
  );
  return [...common, ...refusalsOfPeople(scene), ...refusalsOfSettings(scene)];
}

const pairOf = (operation: string, exception: string) => `${operation} ${exception}`;

async function start() {
  const scene = await startScene();
  const key = await createKey(scene.site, { ManagedPolicy: 'AmazonWorkMailFullAccess' });
  return { scene, good: goodInputs(scene), client: operationClient(scene.site, key) };
}

/** What was thrown; undefined if nothing was. */
function thrownBy(client: OperationClient, operation: Operation, input: object): Promise<unknown> {
  return client.callWith(operation, input).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** So many requests at a time share connections and commits. */
async function sideBySide<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const left = all.values();
  const lane = async () => {
    for (const one of left) await work(one);
  };
  await Promise.all(Array.from({ length: 8 }, lane));
}

/** Everything there is a kind of, in the place of whatever names an entity: no answer is one that the model does not list. */
async function tryEveryKind(client: OperationClient, scene: Scene, good: GoodInputs): Promise<void> {
  const { anna, gone, remote, inner, attended } = scene;
  const kinds = [anna.id, gone, remote, inner, attended, nobody];
  const members = ['UserId', 'EntityId', 'GroupId', 'MemberId', 'ResourceId', 'GranteeId', 'TargetUser'];
  const tries = operations.flatMap((operation) =>
    members
      .filter((member) => Object.hasOwn(good[operation], member))
      .flatMap((member) => kinds.map((kind) => ({ operation, change: { [member]: kind } }))),
  );
  await sideBySide(tries, ({ operation, change }) =>
    thrownBy(client, operation, { ...good[operation], ...change }),
  );
}

test('each exception that the model lists for an operation is provoked, or it is said why it cannot be; good inputs are done', async () => {
  const { scene, good, client } = await start();
  const rows = refusalsOf(scene, good);
  const provoked = new Set(rows.map(({ operation, exception }) => pairOf(operation, exception)));
  const excused = unprovoked.flatMap(({ exception, operations: of }) =>
    of.map((operation) => pairOf(operation, exception)),
  );
  const listed = operations.flatMap((operation) =>
    listedErrors(operation).map((exception) => pairOf(operation, exception)),
  );
  expect([...provoked, ...excused].sort()).toEqual(listed.sort());

  await sideBySide(rows, async ({ operation, exception, how, change }) => {
    const error = await thrownBy(client, operation, { ...good[operation], ...change });
    const told = `${operation}: ${how}`;
    expect.soft(error, told).toMatchObject({ name: exception, $fault: 'client' });
    expect.soft(error, told).toBeInstanceOf(classOf(exception));
  });
  expect(client.faults).toEqual([]);

  // The rows refuse for what they change, not for what their inputs are.
  for (const [operation, input] of Object.entries(good) as [Operation, object][]) {
    if (operation === 'DeleteOrganization') await tryEveryKind(client, scene, good);
    expect.soft(await thrownBy(client, operation, input), operation).toBeUndefined();
  }
  expect(client.faults).toEqual([]);
  expect([...client.called].sort()).toEqual(operations.toSorted());
}, 120_000);

test('each operation that looks is done for a read-only key, each that a policy names for the key that has it, and every other one is an AccessDeniedException', async () => {
  const { scene, good } = await start();
  const ask = async (grant: Readonly<Record<string, unknown>>) => {
    const client = operationClient(scene.site, await createKey(scene.site, grant));
    return { client, isDenied: (operation: Operation) => isDeniedTo(client, operation, good[operation]) };
  };
  const reader = await ask({ ManagedPolicy: 'AmazonWorkMailReadOnlyAccess' });
  await sideBySide(operations, async (operation) => {
    const looks = /^(?:Describe|Get|List)/.test(operation);
    expect.soft(await reader.isDenied(operation), operation).toBe(!looks);
  });
  const named = operations.filter((_, n) => n % 2 === 0);
  const Statement = [{ Effect: 'Allow', Action: named.map((one) => `workmail:${one}`), Resource: '*' }];
  const narrow = await ask({ PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }) });
  for (const operation of Object.keys(good) as Operation[]) {
    expect.soft(await narrow.isDenied(operation), operation).toBe(!named.includes(operation));
  }
  expect([...reader.client.faults, ...narrow.client.faults]).toEqual([]);
}, 60_000);

/** Whether a key may not do it; rejects if it may and it is not done. */
async function isDeniedTo(client: OperationClient, operation: Operation, input: object): Promise<boolean> {
  const error = await thrownBy(client, operation, input);
  if (error === undefined) return false;
  if (error instanceof Error && error.name === 'AccessDeniedException') return true;
  throw error;
}
