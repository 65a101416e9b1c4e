import type { Choices } from '#test/support/choices';
import type { World } from './world.ts';

/** Something that may happen in a seed. */
export interface Operation {
  readonly name: string;
  /** How often, beside the others. */
  readonly weight: number;
  /** Only with a server in this process. */
  readonly isInside?: boolean;
  run(world: World, choices: Choices): Promise<void>;
}
