import type { CommandContext } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { CommonStatus } from '../../status.ts';

/** Does what holds so many bytes of messages when there is memory for it; not if the client has gone meanwhile. Throws CommandError. */
export function inItsTurn<Result>(
  bytes: number,
  { services, signal }: CommandContext,
  work: () => Promise<Result>,
): Promise<Result> {
  return services.memory.hold(bytes, async () => {
    // It asks again; what it does not hear of must not keep others waiting.
    if (signal.aborted) throw new CommandError(CommonStatus.ServerErrorRetryLater, 'the client has gone');
    return await work();
  });
}
