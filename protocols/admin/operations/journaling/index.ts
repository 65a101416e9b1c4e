import type { Directory } from '#directory/directory';
import type { Journaling } from '#directory/journaling';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { flagOf, organizationOf, textOf } from '../input.ts';

/** journalingOperations are the operations on the records an organisation keeps of its messages. */
export function journalingOperations({
  journaling,
}: Pick<Directory, 'journaling'>): Readonly<Record<string, AdminOperation>> {
  return {
    'Mailstead.GetJournaling': async (input) => answerOf(await journaling.get(organizationOf(input))),
    'Mailstead.PutJournaling': async (input) =>
      answerOf(await journaling.put(organizationOf(input), journalingIn(input))),
  };
}

function journalingIn(input: AdminInput): Journaling {
  return {
    enabled: flagOf(input, 'Enabled'),
    journalingAddress: textOf(input, 'JournalingAddress'),
    reportAddress: textOf(input, 'ReportAddress'),
  };
}

function answerOf({ enabled, journalingAddress, reportAddress }: Journaling): object {
  return { Enabled: enabled, JournalingAddress: journalingAddress, ReportAddress: reportAddress };
}
