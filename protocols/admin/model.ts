import { readFileSync } from 'node:fs';
import { AdminError } from './errors.ts';
import { mailsteadModel } from './mailstead-model.ts';
import { type AdminInput, type Model, readShape } from './shape.ts';

const workMailModel = JSON.parse(
  readFileSync(new URL('./service-model.json', import.meta.url), 'utf8'),
) as Model;

/** The services behind the endpoint, by the first half of X-Amz-Target. */
const models: Readonly<Record<string, Model>> = { WorkMailService: workMailModel, Mailstead: mailsteadModel };

/** What the model has of an operation: the model it stands in, and the name of its input's shape. */
interface OperationModel {
  readonly model: Model;
  readonly input: string | undefined;
  /** The exceptions it lists. */
  readonly errors: readonly string[];
}

/** modelOf gives what the model has of an operation; undefined for an unknown one. */
export function modelOf(target: string): OperationModel | undefined {
  const [service = '', operation = ''] = target.split('.', 2);
  const model = Object.hasOwn(models, service) ? models[service] : undefined;
  if (model === undefined || !Object.hasOwn(model.operations, operation)) return undefined;
  const { input, errors = [] } = model.operations[operation] ?? {};
  return { model, input: input?.shape, errors: errors.map(({ shape }) => shape) };
}

/** errorsOf lists the exceptions that the model has for an operation; none for our own and unknown ones. */
export function errorsOf(target: string): readonly string[] {
  return modelOf(target)?.errors ?? [];
}

/** readInput checks an operation's input by its model. Throws AdminError for an unknown operation and a bad input. */
export function readInput(target: string, body: unknown): AdminInput {
  const found = modelOf(target);
  if (found === undefined) throw unknownOperation(target);
  return found.input === undefined ? {} : readShape(found.model, found.input, body);
}

/** unknownOperation is the answer for a target nobody serves. */
export function unknownOperation(target: string): AdminError {
  return new AdminError('UnknownOperationException', `Unknown operation ${target.slice(0, 100)}`);
}
