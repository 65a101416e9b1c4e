import type { RetentionRule } from '#directory/kept';
import type { RetentionPolicies } from '#directory/retention';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { numberOf, organizationOf, requiredText, structuresOf, textOf } from '../input.ts';

/** retentionOperations are the operations on how long mail is kept. */
export function retentionOperations(policies: RetentionPolicies): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.PutRetentionPolicy': async (input) => {
      await policies.put(organizationOf(input), {
        id: textOf(input, 'Id'),
        name: requiredText(input, 'Name'),
        description: textOf(input, 'Description'),
        rules: structuresOf(input, 'FolderConfigurations').map(ruleIn),
      });
      return {};
    },
    'WorkMailService.DeleteRetentionPolicy': async (input) => {
      await policies.delete(organizationOf(input), requiredText(input, 'Id'));
      return {};
    },
    'WorkMailService.GetDefaultRetentionPolicy': async (input) => {
      const policy = await policies.find(organizationOf(input));
      if (policy === undefined) {
        throw new AdminError('EntityNotFoundException', 'There is no retention policy.');
      }
      const FolderConfigurations = policy.rules.map(writeRule);
      return { Id: policy.id, Name: policy.name, Description: policy.description, FolderConfigurations };
    },
  };
}

/** The model has checked which words they are. */
function ruleIn(input: AdminInput): RetentionRule {
  return {
    folder: requiredText(input, 'Name') as RetentionRule['folder'],
    action: requiredText(input, 'Action') as RetentionRule['action'],
    periodDays: numberOf(input, 'Period'),
  };
}

function writeRule({ folder, action, periodDays }: RetentionRule): object {
  return { Name: folder, Action: action, Period: periodDays };
}
