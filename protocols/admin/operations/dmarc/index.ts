import type { Directory } from '#directory/directory';
import type { AdminOperation } from '../../endpoint.ts';
import { flagOf, organizationOf } from '../input.ts';

/** dmarcOperations are the operations on what becomes of mail that fails DMARC. */
export function dmarcOperations(
  directory: Pick<Directory, 'isDmarcEnforced' | 'putDmarcEnforced'>,
): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.DescribeInboundDmarcSettings': async (input) => ({
      Enforced: await directory.isDmarcEnforced(organizationOf(input)),
    }),
    'WorkMailService.PutInboundDmarcSettings': async (input) => {
      await directory.putDmarcEnforced(organizationOf(input), flagOf(input, 'Enforced'));
      return {};
    },
  };
}
