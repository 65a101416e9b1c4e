import type { EmailMonitoringSettings } from '#directory/email-monitoring';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import { organizationOf, requiredText, textOf } from '../input.ts';

/** emailMonitoringOperations are the operations on where a log of mail is wanted. */
export function emailMonitoringOperations(
  settings: EmailMonitoringSettings,
): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.PutEmailMonitoringConfiguration': async (input) => {
      const wanted = { roleArn: textOf(input, 'RoleArn'), logGroupArn: requiredText(input, 'LogGroupArn') };
      await settings.put(organizationOf(input), wanted);
      return {};
    },
    'WorkMailService.DescribeEmailMonitoringConfiguration': async (input) => {
      const found = await settings.find(organizationOf(input));
      if (found !== undefined) return { RoleArn: found.roleArn, LogGroupArn: found.logGroupArn };
      throw new AdminError('ResourceNotFoundException', 'There is no email monitoring configuration.');
    },
    'WorkMailService.DeleteEmailMonitoringConfiguration': async (input) => {
      await settings.delete(organizationOf(input));
      return {};
    },
  };
}
