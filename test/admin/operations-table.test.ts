import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startServer } from '../support/start-server.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** The rows of the table in protocols/admin/README.md: operation, state, tests. */
const rows = [
  ...read('protocols/admin/README.md').matchAll(/^\| `([\w.]+)` \| ([^|]+) \| ([^|]*) ?\|$/gm),
].map(([, operation = '', state = '', tests = '']) => ({ operation, state, tests }));

test('the table of operations has each of the model, once, and says which are served', async () => {
  const { operations } = JSON.parse(read('protocols/admin/service-model.json')) as { operations: object };
  const named = rows.map(({ operation }) => operation).filter((operation) => !operation.includes('.'));
  expect(named.sort()).toEqual(Object.keys(operations).sort());
  const { admin } = await startServer();
  for (const { operation, state, tests } of rows) {
    const target = operation.includes('.') ? operation : `WorkMailService.${operation}`;
    const error = await admin(target).then(
      () => undefined,
      (refused: Error) => refused.name,
    );
    const isServed = error !== 'UnknownOperationException';
    expect({ operation, isServed }).toEqual({ operation, isServed: !state.startsWith('not served') });
    const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file);
    expect(isServed ? files.length : 0, operation).toBe(files.length);
    if (isServed) expect(files.length, operation).toBeGreaterThan(0);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    const isNamed = files.some((file) => read(file).includes(operation.replace('Mailstead.', '')));
    expect(isNamed || !isServed, `${operation} in ${files}`).toBe(true);
  }
});
