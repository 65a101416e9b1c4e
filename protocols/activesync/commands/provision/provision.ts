import type { Device, DeviceInformation } from '#domain/device';
import type { EffectivePolicy } from '#domain/policy';
import { Acknowledgement } from '#domain/provisioning';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { isAtLeast, type ProtocolVersion } from '../../protocol-version.ts';
import type { RequestLine } from '../../request-line.ts';
import { CommonStatus } from '../../status.ts';
import { Provision } from '../../wbxml/code-pages/provision.ts';
import { Settings } from '../../wbxml/code-pages/settings.ts';
import { child, type Element, el, has, integerOf, textOf } from '../../wbxml/element.ts';
import { readDeviceInformation } from '../settings/device-information.ts';
import { asksMoreThan, policyTypeOf, wapDocument } from './old-policies.ts';
import { provisionDocument } from './provision-document.ts';
import { PolicyStatus, ProvisionStatus } from './status.ts';

/** The device that tries an account out (DeviceId=validate) has no record to keep keys in. */
const TRIAL_KEY = 1;

type PolicyRequest =
  | { readonly phase: 'download'; readonly type: string }
  | {
      readonly phase: 'acknowledgement';
      readonly type: string;
      readonly key: number;
      readonly status: Acknowledgement;
    };

interface ProvisionRequest {
  readonly isEmpty: boolean;
  readonly information: DeviceInformation | undefined;
  readonly policy: PolicyRequest | undefined;
  readonly wiped: WipeReport | undefined;
}

/** What the device says of a wipe: which one it did, and whether it succeeded. */
interface WipeReport {
  readonly kind: WipeKind;
  readonly succeeded: boolean;
}

type WipeKind = 'full' | 'account-only';

type PolicyResult =
  | { readonly status: PolicyStatus; readonly type: string }
  | { readonly status: 1; readonly type: string; readonly key: number; readonly document?: EffectivePolicy };

interface ProvisionResult {
  readonly status: number;
  readonly informed?: boolean;
  readonly policy?: PolicyResult;
  readonly wipe?: WipeKind;
}

/** Provision: hands out the policy and its keys, and carries remote wipes (MS-ASPROV). */
export const provision = defineCommand({
  name: 'Provision',
  code: 20,
  policy: 'exempt',
  wipe: 'exempt',
  tells: () => true,
  read: readRequest,
  run: runProvision,
  write: (result, line) =>
    el(
      Provision.Provision,
      result.informed === true && isAtLeast(line.protocolVersion, '14.1')
        ? el(Settings.DeviceInformation, el(Settings.Status, 1))
        : undefined,
      el(Provision.Status, result.status),
      result.policy && writePolicies(result.policy, line.protocolVersion),
      result.wipe === 'full' ? el(Provision.RemoteWipe) : undefined,
      result.wipe === 'account-only' ? el(Provision.AccountOnlyRemoteWipe) : undefined,
    ),
});

function readRequest(body: Element, { protocolVersion }: RequestLine): ProvisionRequest {
  const told = child(body, Settings.DeviceInformation, Settings.Set);
  const policies = child(body, Provision.Policies);
  const full = child(body, Provision.RemoteWipe);
  const wipe = full ?? child(body, Provision.AccountOnlyRemoteWipe);
  return {
    isEmpty: body.children.length === 0,
    information: told && readDeviceInformation(told, protocolVersion),
    policy: policies && readPolicy(child(policies, Provision.Policy)),
    wiped: wipe && { kind: full ? 'full' : 'account-only', succeeded: readWipeStatus(wipe) },
  };
}

function readPolicy(policy: Element | undefined): PolicyRequest {
  const type = textOf(policy, Provision.PolicyType);
  if (policy === undefined || type === undefined) throw protocolError('no PolicyType');
  if (!has(policy, Provision.Status)) {
    if (has(policy, Provision.PolicyKey)) throw protocolError('a PolicyKey without Status');
    return { phase: 'download', type };
  }
  const key = integerOf(policy, Provision.PolicyKey);
  const status = acknowledgements.find((known) => known === integerOf(policy, Provision.Status));
  if (key === undefined || status === undefined) throw protocolError('no acknowledgement');
  return { phase: 'acknowledgement', type, key, status };
}

const acknowledgements = Object.values(Acknowledgement);

/** MS-ASPROV, Status (RemoteWipe): 1 is done, 2 has failed. */
function readWipeStatus(wipe: Element): boolean {
  const status = integerOf(wipe, Provision.Status);
  if (status !== 1 && status !== 2) throw protocolError('no status of the wipe');
  return status === 1;
}

async function runProvision(request: ProvisionRequest, context: CommandContext): Promise<ProvisionResult> {
  const { mailbox, device, services } = context;
  const asked = wipeAskedOf(device);
  // Done with another wipe than the one asked for now, of which it was not told: that one is still to be done.
  const isOfAnother = asked !== undefined && (request.wiped?.kind !== asked || device.wipe === 'requested');
  if (request.wiped !== undefined && !isOfAnother) return await runWiped(request.wiped, context);
  if (asked !== undefined) {
    await services.provisioning.wipeSent(mailbox.ref, device.id);
    return { status: ProvisionStatus.Success, wipe: asked };
  }
  if (request.isEmpty) return { status: ProvisionStatus.Success };
  const { information, policy } = request;
  if (policy?.phase !== 'acknowledgement') await checkInformation(information, context);
  if (policy === undefined) throw protocolError('no Policies');
  const informed = information !== undefined;
  if (informed && !isTrial(context)) await services.devices.inform(mailbox.ref, device.id, information);
  return { ...(await runPolicy(policy, context)), informed };
}

function wipeAskedOf({ wipe, wipeAccountOnly }: Device): WipeKind | undefined {
  if (wipe === 'none') return undefined;
  return wipeAccountOnly ? 'account-only' : 'full';
}

async function runWiped(
  { kind, succeeded }: WipeReport,
  { mailbox, device, services }: CommandContext,
): Promise<ProvisionResult> {
  const wasAsked = await services.provisioning.wipeAcknowledged(mailbox.ref, device.id, succeeded);
  if (succeeded || !wasAsked) return { status: ProvisionStatus.Success };
  return { status: ProvisionStatus.ProtocolError, wipe: kind };
}

/** MS-ASPROV, DeviceInformation: from 14.1 on the first request has it, with a Model; refused without only where that is wanted. */
async function checkInformation(
  information: DeviceInformation | undefined,
  { mailbox, version, services }: CommandContext,
): Promise<void> {
  if (!isAtLeast(version, '14.1') || (information?.model ?? '') !== '') return;
  const { isDeviceInformationRequired } = await services.access.settings(mailbox.ref.organization);
  if (isDeviceInformationRequired) {
    throw new CommandError(CommonStatus.DeviceInformationRequired, 'no Model in DeviceInformation');
  }
}

async function runPolicy(asked: PolicyRequest, context: CommandContext): Promise<ProvisionResult> {
  const { mailbox, device, policy, services } = context;
  const { type } = asked;
  if (type !== policyTypeOf(context.version)) {
    return { status: ProvisionStatus.Success, policy: { status: PolicyStatus.UnknownPolicyType, type } };
  }
  if (asked.phase === 'download') {
    if (!policy.allowNonProvisionableDevices && asksMoreThan(context.version, policy.settings)) {
      return { status: CommonStatus.LegacyDeviceOnStrictPolicy };
    }
    const key = isTrial(context)
      ? TRIAL_KEY
      : await services.provisioning.offer(mailbox.ref, device.id, policy);
    return { status: ProvisionStatus.Success, policy: { status: 1, type, key, document: policy } };
  }
  if (isTrial(context)) {
    return { status: ProvisionStatus.Success, policy: { status: 1, type, key: TRIAL_KEY } };
  }
  const said = await services.provisioning.acknowledge(
    mailbox.ref,
    device.id,
    policy,
    asked.key,
    asked.status,
  );
  switch (said.outcome) {
    case 'accepted':
      return { status: ProvisionStatus.Success, policy: { status: 1, type, key: said.policyKey } };
    case 'wrong-key':
      return { status: ProvisionStatus.Success, policy: { status: PolicyStatus.WrongPolicyKey, type } };
    case 'not-applied':
      // MS-ASPROV: no final key; the device stays locked out.
      return { status: ProvisionStatus.Success, policy: { status: PolicyStatus.Success, type } };
    case 'only-partially':
      return { status: CommonStatus.DeviceNotFullyProvisionable };
    case 'managed-by-others':
      return { status: CommonStatus.ExternallyManagedDevicesNotAllowed };
  }
}

function isTrial({ device }: CommandContext): boolean {
  return device.id === 'validate';
}

function writePolicies(policy: PolicyResult, version: ProtocolVersion): Element {
  const offered = 'document' in policy ? policy.document : undefined;
  const document =
    offered && (version === '2.5' ? wapDocument(offered) : provisionDocument(offered, version));
  return el(
    Provision.Policies,
    el(
      Provision.Policy,
      el(Provision.PolicyType, policy.type),
      el(Provision.Status, policy.status),
      'key' in policy ? el(Provision.PolicyKey, policy.key) : undefined,
      document && el(Provision.Data, document),
    ),
  );
}

function protocolError(fault: string): CommandError {
  return new CommandError(ProvisionStatus.ProtocolError, fault);
}
