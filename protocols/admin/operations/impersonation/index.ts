import type { Impersonation, WantedRole } from '#directory/impersonation';
import type { ImpersonationRole, ImpersonationRule } from '#directory/kept';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, structuresOf, textOf, textsOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

/** impersonationOperations are the operations on the roles by which programs may be users. */
export function impersonationOperations(
  impersonation: Impersonation,
): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.CreateImpersonationRole': async (input) => ({
      ImpersonationRoleId: await impersonation.create(
        organizationOf(input),
        roleIn(input),
        textOf(input, 'ClientToken'),
      ),
    }),
    'WorkMailService.UpdateImpersonationRole': async (input) => {
      if (await impersonation.update(organizationOf(input), idIn(input), roleIn(input))) return {};
      throw unknownRole();
    },
    'WorkMailService.DeleteImpersonationRole': async (input) => {
      await impersonation.delete(organizationOf(input), idIn(input));
      return {};
    },
    'WorkMailService.GetImpersonationRole': async (input) => {
      const role = await impersonation.find(organizationOf(input), idIn(input));
      if (role === undefined) throw unknownRole();
      return { ...summaryOf(role), Description: role.description, Rules: role.rules.map(writeRule) };
    },
    'WorkMailService.ListImpersonationRoles': (input) => listRoles(impersonation, input),
    'WorkMailService.AssumeImpersonationRole': async (input) => {
      const assumed = await impersonation.assume(organizationOf(input), idIn(input));
      if (assumed === undefined) throw unknownRole();
      return { Token: assumed.token, ExpiresIn: assumed.lifeSeconds };
    },
    'WorkMailService.GetImpersonationRoleEffect': (input) => getEffect(impersonation, input),
  };
}

async function listRoles(impersonation: Impersonation, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const { after, limit } = pageAsked(input, 'impersonation-roles', organization);
  const { rows, next } = await impersonation.list(organization, after, limit);
  return {
    Roles: rows.map(summaryOf),
    NextToken: nextToken(next, 'impersonation-roles', organization),
  };
}

async function getEffect(impersonation: Impersonation, input: AdminInput): Promise<object> {
  const user = requiredText(input, 'TargetUser');
  const found = await impersonation.effect(organizationOf(input), idIn(input), user);
  if (found === undefined) throw unknownRole();
  return {
    Type: found.role.type,
    Effect: found.effect,
    MatchedRules: found.rules.map(({ id, name }) => ({ ImpersonationRuleId: id, Name: name })),
  };
}

function idIn(input: AdminInput): string {
  return requiredText(input, 'ImpersonationRoleId');
}

function roleIn(input: AdminInput): WantedRole {
  return {
    name: requiredText(input, 'Name'),
    type: requiredText(input, 'Type') === 'FULL_ACCESS' ? 'FULL_ACCESS' : 'READ_ONLY',
    description: textOf(input, 'Description'),
    rules: structuresOf(input, 'Rules').map((rule) => ({
      id: requiredText(rule, 'ImpersonationRuleId'),
      name: textOf(rule, 'Name'),
      description: textOf(rule, 'Description'),
      effect: requiredText(rule, 'Effect') === 'ALLOW' ? 'ALLOW' : 'DENY',
      users: { any: textsOf(rule, 'TargetUsers') ?? [], none: textsOf(rule, 'NotTargetUsers') ?? [] },
    })),
  };
}

function summaryOf(role: ImpersonationRole): object {
  return {
    ImpersonationRoleId: role.id,
    Name: role.name,
    Type: role.type,
    DateCreated: timestamp(role.createdMs),
    DateModified: timestamp(role.modifiedMs),
  };
}

function writeRule({ id, name, description, effect, users }: ImpersonationRule): object {
  return {
    ImpersonationRuleId: id,
    Name: name,
    Description: description,
    Effect: effect,
    ...(users.any.length > 0 && { TargetUsers: users.any }),
    ...(users.none.length > 0 && { NotTargetUsers: users.none }),
  };
}

function unknownRole(): AdminError {
  return new AdminError('ResourceNotFoundException', 'The impersonation role does not exist.');
}
