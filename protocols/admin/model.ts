import { readFileSync } from 'node:fs';
import { AdminError } from './errors.ts';
import { mailsteadModel } from './mailstead-model.ts';
import { type AdminInput, type Model, readShape } from './shape.ts';

const workMailModel = JSON.parse(
  readFileSync(new URL('./service-model.json', import.meta.url), 'utf8'),
) as Model;

/** The services behind the endpoint, by the first half of X-Amz-Target. */
const models: Readonly<Record<string, Model>> = { WorkMailService: workMailModel, Mailstead: mailsteadModel };

/** readInput checks an operation's input by its model. Throws AdminError for an unknown operation and a bad input. */
export function readInput(target: string, body: unknown): AdminInput {
  const [service = '', operation = ''] = target.split('.', 2);
  const model = Object.hasOwn(models, service) ? models[service] : undefined;
  if (model === undefined || !Object.hasOwn(model.operations, operation)) throw unknownOperation(target);
  const input = model.operations[operation]?.input;
  return input === undefined ? {} : readShape(model, input.shape, body);
}

/** unknownOperation is the answer for a target nobody serves. */
export function unknownOperation(target: string): AdminError {
  return new AdminError('UnknownOperationException', `Unknown operation ${target.slice(0, 100)}`);
}
