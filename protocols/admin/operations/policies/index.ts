import type { Directory } from '#directory/directory';
import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import type { Policies, Policy, PolicyTarget } from '#domain/policy';
import {
  apiNameOf,
  type PolicySettingName,
  policySettingNames,
  policySettings,
} from '#domain/policy-settings';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, structureOf, textOf } from '../input.ts';

interface Parts {
  readonly directory: Directory;
  readonly policies: Policies;
}

/** policyOperations are the operations on mobile policies: the organisation's, and those of single users and groups. */
export function policyOperations(parts: Parts): Readonly<Record<string, AdminOperation>> {
  return {
    'Mailstead.GetMobilePolicy': (input) => getMobilePolicy(parts, input),
    'Mailstead.PutMobilePolicy': (input) => putMobilePolicy(parts, input),
    'Mailstead.DeleteMobilePolicy': (input) => deleteMobilePolicy(parts, input),
    'Mailstead.ListMobilePolicySettings': async () => ({ Settings: policySettingNames.map(describeSetting) }),
  };
}

async function getMobilePolicy(parts: Parts, input: AdminInput): Promise<object> {
  const { organization, target } = await ownerOf(parts, input);
  return answerOf(await parts.policies.get(organization, target));
}

async function putMobilePolicy(parts: Parts, input: AdminInput): Promise<object> {
  const { organization, target } = await ownerOf(parts, input);
  const { AllowNonProvisionableDevices: allow, ...settings } = structureOf(input, 'Policy');
  const given = { settings, allowNonProvisionableDevices: allow === true };
  return answerOf(await parts.policies.put(organization, target, given));
}

async function deleteMobilePolicy(parts: Parts, input: AdminInput): Promise<object> {
  const { organization, target } = await ownerOf(parts, input);
  await parts.policies.delete(organization, target);
  return {};
}

/** Whose policy is meant. Throws organization/not-found, entity/not-found, entity/state for one that is deleted, request/invalid for a resource: it has no devices. */
async function ownerOf(
  { directory }: Parts,
  input: AdminInput,
): Promise<{ readonly organization: OrganizationId; readonly target: PolicyTarget }> {
  const organization = organizationOf(input);
  const entity = textOf(input, 'EntityId');
  if (entity !== undefined) {
    const { kind, id, state } = await directory.describeEntity(organization, entity);
    if (state === 'DELETED') throw new DomainError('entity/state', 'The entity is deleted.');
    if (kind === 'resource') throw new DomainError('request/invalid', 'A policy is for a user or a group.');
    return { organization, target: id };
  }
  await directory.describeOrganization(organization);
  return { organization, target: 'organization' };
}

/** What a setting takes, and what devices assume without it. */
function describeSetting(name: PolicySettingName): object {
  const { type } = policySettings[name];
  const names = { Name: apiNameOf(name), Element: name };
  switch (type.kind) {
    case 'switch':
      return { ...names, Type: 'BOOLEAN', Default: type.assumed };
    case 'number':
      return { ...names, Type: 'NUMBER', ...boundsOf(type), Default: type.assumed };
    case 'list':
      return { ...names, Type: 'LIST' };
  }
}

function boundsOf({ min, max, only }: { min: number; max: number; only?: readonly number[] }): object {
  return only === undefined ? { Minimum: min, Maximum: max } : { Values: only };
}

/** Absent is not enforced. */
function answerOf(policy: Policy & { readonly revision: number }): object {
  const settings = policySettingNames.flatMap((name) => {
    const value = policy.settings[name];
    return value === undefined ? [] : [[apiNameOf(name), value] as const];
  });
  const allow = policy.allowNonProvisionableDevices ? { AllowNonProvisionableDevices: true } : {};
  return { Policy: { ...Object.fromEntries(settings), ...allow }, Revision: policy.revision };
}
