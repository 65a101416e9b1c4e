import type { Shape } from './shape.ts';

/** closedStructure is a structure of ours: a misspelt member must not pass for one that counts. */
export function closedStructure(
  members: Readonly<Record<string, string>>,
  required: readonly string[] = [],
): Shape {
  const refs = Object.entries(members).map(([member, shape]) => [member, { shape }]);
  return { type: 'structure', required, members: Object.fromEntries(refs), closed: true };
}
