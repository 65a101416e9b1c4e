import {
  type AccessAction,
  type AccessControlRule,
  accessActions,
  type Condition,
} from '#directory/access-control-rule';
import type { Directory } from '#directory/directory';
import type { OrganizationId } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, textOf, textsOf, timestamp } from '../input.ts';

interface Parts {
  readonly directory: Pick<Directory, 'accessControl' | 'describeUser'>;
  readonly isImpersonationRole: (organization: OrganizationId, id: string) => Promise<boolean>;
}

/** accessControlOperations are the operations on who may use which protocol from where. */
export function accessControlOperations(parts: Parts): Readonly<Record<string, AdminOperation>> {
  const { accessControl } = parts.directory;
  return {
    'WorkMailService.PutAccessControlRule': (input) => putRule(parts, input),
    'WorkMailService.DeleteAccessControlRule': async (input) => {
      await accessControl.delete(organizationOf(input), requiredText(input, 'Name'));
      return {};
    },
    'WorkMailService.ListAccessControlRules': async (input) => ({
      Rules: (await accessControl.list(organizationOf(input))).map(writeRule),
    }),
    'WorkMailService.GetAccessControlEffect': (input) => getEffect(parts, input),
  };
}

async function putRule(parts: Parts, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const actions = conditionIn(input, 'Actions');
  const roles = conditionIn(input, 'ImpersonationRoleIds');
  await parts.directory.accessControl.list(organization);
  await Promise.all([...roles.any, ...roles.none].map((id) => checkRole(parts, organization, id)));
  await parts.directory.accessControl.put(organization, {
    name: requiredText(input, 'Name'),
    effect: requiredText(input, 'Effect') === 'ALLOW' ? 'ALLOW' : 'DENY',
    description: requiredText(input, 'Description'),
    ipRanges: conditionIn(input, 'IpRanges'),
    actions: { any: actions.any.map(actionOf), none: actions.none.map(actionOf) },
    users: conditionIn(input, 'UserIds'),
    impersonationRoles: roles,
  });
  return {};
}

async function getEffect(parts: Parts, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const action = actionOf(requiredText(input, 'Action'));
  const [userId, impersonationRole] = [textOf(input, 'UserId'), textOf(input, 'ImpersonationRoleId')];
  if ((userId === undefined) === (impersonationRole === undefined)) {
    throw invalid('Give either UserId or ImpersonationRoleId.');
  }
  if (impersonationRole !== undefined && action !== 'EWS') {
    throw invalid('An impersonation role is for the Action EWS.');
  }
  const { accessControl } = parts.directory;
  const user = userId === undefined ? undefined : await presentUser(parts, organization, userId);
  if (impersonationRole !== undefined) {
    await accessControl.list(organization);
    await checkRole(parts, organization, impersonationRole);
  }
  const address = requiredText(input, 'IpAddress');
  const { effect, matched } = await accessControl.effect(organization, {
    action,
    address,
    user,
    impersonationRole,
  });
  return { Effect: effect, MatchedRules: matched };
}

async function presentUser({ directory }: Parts, organization: OrganizationId, userId: string) {
  const { id, state } = await directory.describeUser(organization, userId);
  if (state === 'DELETED') throw new AdminError('EntityNotFoundException', 'The user does not exist.');
  return id;
}

async function checkRole(parts: Parts, organization: OrganizationId, id: string): Promise<void> {
  if (await parts.isImpersonationRole(organization, id)) return;
  throw new AdminError('ResourceNotFoundException', 'The impersonation role does not exist.');
}

/** A list, and the list that is named as its opposite. */
function conditionIn(input: AdminInput, member: string): Condition<string> {
  return { any: textsOf(input, member) ?? [], none: textsOf(input, `Not${member}`) ?? [] };
}

function actionOf(text: string): AccessAction {
  const action = accessActions.find((one) => one === text);
  if (action !== undefined) return action;
  throw invalid(`${text} is no action: there are ${accessActions.join(', ')}.`);
}

function invalid(message: string): AdminError {
  return new AdminError('InvalidParameterException', message);
}

function writeRule(rule: AccessControlRule): object {
  return {
    Name: rule.name,
    Effect: rule.effect,
    Description: rule.description,
    ...writeCondition('IpRanges', rule.ipRanges),
    ...writeCondition('Actions', rule.actions),
    ...writeCondition('UserIds', rule.users),
    ...writeCondition('ImpersonationRoleIds', rule.impersonationRoles),
    DateCreated: timestamp(rule.createdMs),
    DateModified: timestamp(rule.modifiedMs),
  };
}

function writeCondition(member: string, { any, none }: Condition<string>): object {
  return {
    ...(any.length > 0 && { [member]: any }),
    ...(none.length > 0 && { [`Not${member}`]: none }),
  };
}
