/** Reads members of an input that has passed the model. */
import type { OrganizationId } from '#domain/ids';
import type { AdminInput } from '../shape.ts';

/** textOf is a string member; undefined if it is absent. */
export function textOf(input: AdminInput, member: string): string | undefined {
  const value = input[member];
  return typeof value === 'string' ? value : undefined;
}

/** requiredText is a string member the model requires. */
export function requiredText(input: AdminInput, member: string): string {
  const text = textOf(input, member);
  if (text === undefined) throw new TypeError(`the model let an input without ${member} pass`);
  return text;
}

/** organizationOf is the OrganizationId member, whose form the model has checked. */
export function organizationOf(input: AdminInput): OrganizationId {
  return requiredText(input, 'OrganizationId') as OrganizationId;
}

/** flagOf is a boolean member; false if it is absent. */
export function flagOf(input: AdminInput, member: string): boolean {
  return input[member] === true;
}

/** numberOf is a number member; undefined if it is absent. */
export function numberOf(input: AdminInput, member: string): number | undefined {
  const value = input[member];
  return typeof value === 'number' ? value : undefined;
}

/** textsOf is a list of strings; undefined if it is absent. */
export function textsOf(input: AdminInput, member: string): readonly string[] | undefined {
  const value = input[member];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : undefined;
}

/** structureOf is a structure member; an empty one if it is absent. */
export function structureOf(input: AdminInput, member: string): AdminInput {
  return isStructure(input[member]) ? input[member] : {};
}

/** structuresOf is a list of structures; an empty one if it is absent. */
export function structuresOf(input: AdminInput, member: string): readonly AdminInput[] {
  const value = input[member];
  return Array.isArray(value) ? value.filter(isStructure) : [];
}

function isStructure(value: unknown): value is AdminInput {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** timestamp writes a time as the API does: seconds since the epoch, milliseconds behind the point. */
export function timestamp(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
