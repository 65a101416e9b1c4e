import type { EntityState } from '#directory/user';
import { AdminError } from '../errors.ts';
import type { AdminInput } from '../shape.ts';
import { structureOf, textOf } from './input.ts';

/** The Filters of a listing. Throws AdminError for more than one: the service takes no two of them together. */
export function oneFilter(input: AdminInput): AdminInput {
  const filters = structureOf(input, 'Filters');
  if (Object.keys(filters).length > 1) {
    throw new AdminError('InvalidParameterException', 'Only one filter can be used in a request.');
  }
  return filters;
}

/** What groups and resources are filtered by. */
export function entityFilter(filters: AdminInput) {
  return {
    namePrefix: textOf(filters, 'NamePrefix'),
    addressPrefix: textOf(filters, 'PrimaryEmailPrefix'),
    state: textOf(filters, 'State') as EntityState | undefined,
  };
}
