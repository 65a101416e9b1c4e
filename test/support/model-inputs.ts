/** Inputs of operations made from their model, so that no operation is left out of a test of them all. */
import { readFileSync } from 'node:fs';
import { mailsteadModel } from '#protocols/admin/mailstead-model';
import type { Model, Shape } from '#protocols/admin/shape';

const workMailModel = JSON.parse(
  readFileSync(new URL('../../protocols/admin/service-model.json', import.meta.url), 'utf8'),
) as Model;
const models = { WorkMailService: workMailModel, Mailstead: mailsteadModel };

/** One operation of the model. */
export interface ModelOperation {
  /** `WorkMailService.CreateUser`. */
  readonly target: string;
  /** Where texts stand in its input that its model does not enumerate: `Filters.NamePrefix`. */
  readonly texts: readonly string[];
  /** The members it requires. */
  readonly required: readonly string[];
  readonly members: readonly string[];
  /** An input with what is required and what stands at `paths`; `text` gives the texts. */
  make(paths: readonly string[], text: (path: string) => string | undefined): Record<string, unknown>;
}

/** Every operation of both services. */
export function modelOperations(): ModelOperation[] {
  return Object.entries(models).flatMap(([service, model]) =>
    Object.entries(model.operations).map(([name, { input }]) => {
      const shape = input === undefined ? undefined : model.shapes[input.shape];
      const structure = shape?.type === 'structure' ? shape : undefined;
      return {
        target: `${service}.${name}`,
        texts: structure === undefined ? [] : textsOf(model, structure, ''),
        required: structure?.required ?? [],
        members: Object.keys(structure?.members ?? {}),
        make: (paths, text) =>
          (structure === undefined ? {} : madeOf(model, structure, '', { paths, text })) as Record<
            string,
            unknown
          >,
      };
    }),
  );
}

function textsOf(model: Model, shape: Shape | undefined, path: string): string[] {
  if (shape?.type === 'list') return textsOf(model, model.shapes[shape.member.shape], path);
  if (shape?.type === 'string') return shape.enum === undefined ? [path] : [];
  if (shape?.type !== 'structure') return [];
  return Object.entries(shape.members).flatMap(([member, { shape: name }]) =>
    textsOf(model, model.shapes[name], join(path, member)),
  );
}

interface Wanted {
  readonly paths: readonly string[];
  readonly text: (path: string) => string | undefined;
}

function madeOf(model: Model, shape: Shape | undefined, path: string, wanted: Wanted): unknown {
  switch (shape?.type) {
    case 'structure': {
      const members = Object.entries(shape.members).filter(([member]) => {
        const at = join(path, member);
        const isWanted = wanted.paths.some((one) => one === at || one.startsWith(`${at}.`));
        return isWanted || shape.required?.includes(member);
      });
      return Object.fromEntries(
        members.map(([member, { shape: name }]) => [
          member,
          madeOf(model, model.shapes[name], join(path, member), wanted),
        ]),
      );
    }
    case 'list':
      return [madeOf(model, model.shapes[shape.member.shape], path, wanted)];
    case 'string':
      return shape.enum === undefined ? wanted.text(path) : shape.enum[0];
    case 'boolean':
      return true;
    case 'timestamp':
      return 1_800_000_000;
    default:
      return shape?.min ?? 1;
  }
}

function join(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`;
}
