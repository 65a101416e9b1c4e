import type { Entity, EntityState } from './user.ts';

/** Which entities a list holds: those whose field begins so, whatever the case. */
export interface EntityFilter {
  readonly namePrefix?: string | undefined;
  readonly addressPrefix?: string | undefined;
  readonly state?: EntityState | undefined;
}

/** isMatching tells whether an entity belongs into a list. */
export function isMatching(entity: Entity, { namePrefix, addressPrefix, state }: EntityFilter): boolean {
  const begins = (text: string | undefined, prefix: string | undefined) =>
    prefix === undefined || (text?.toLowerCase().startsWith(prefix.toLowerCase()) ?? false);
  return (
    begins(entity.name, namePrefix) &&
    begins(entity.state === 'ENABLED' ? entity.addresses[0] : undefined, addressPrefix) &&
    (state === undefined || entity.state === state)
  );
}
