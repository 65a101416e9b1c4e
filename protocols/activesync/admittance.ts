import { hasTold } from '#domain/access-rule';
import type { Device } from '#domain/device';
import type { DeviceAccessJudgement } from '#domain/device-access';
import type { EffectivePolicy } from '#domain/policy';
import { admission, type ProvisioningRefusal, wipeRefusal } from '#domain/provisioning';
import type { CommandBody, PreparedCommand, ServableCommand } from './command.ts';
import { CommandError } from './command-error.ts';
import { CommonStatus } from './status.ts';
import { AirSync } from './wbxml/code-pages/air-sync.ts';
import { Email2 } from './wbxml/code-pages/email2.ts';
import type { Element } from './wbxml/element.ts';

/** What is known of whoever asks. */
interface Standing {
  readonly device: Device;
  readonly policy: EffectivePolicy;
  readonly access: DeviceAccessJudgement;
  /** It tries the account out: it learns the policy, and has no record to serve anything else from. */
  readonly isTrial: boolean;
  /** The policy key that it sent. */
  readonly policyKey: number | undefined;
}

type Refusal = ProvisioningRefusal | 'blocked' | 'quarantined';

const statusByRefusal: Readonly<Record<Refusal, CommonStatus>> = {
  'wipe-requested': CommonStatus.RemoteWipeRequested,
  'wipe-not-possible': CommonStatus.DeviceIsBlockedForThisUser,
  'not-provisioned': CommonStatus.DeviceNotProvisioned,
  'policy-refresh': CommonStatus.PolicyRefresh,
  'invalid-policy-key': CommonStatus.InvalidPolicyKey,
  blocked: CommonStatus.DeviceIsBlockedForThisUser,
  quarantined: CommonStatus.DeviceIsBlockedForThisUser,
};

/** Throws the refusal (CommandError) unless the device may go on with a command. */
export function checkAdmittance(command: ServableCommand, standing: Standing): void {
  const refusal = refusalOf(command, standing);
  if (refusal !== undefined) throw refused(refusal);
}

/**
 * Throws the refusal of a request that goes beyond what its device may have: one that is to tell what it is may do that
 * alone, and one in quarantine puts nothing in, for it could be sent.
 */
export function checkRequest(
  prepared: PreparedCommand,
  command: ServableCommand,
  { state }: DeviceAccessJudgement,
): void {
  if (state === 'ALLOWED' || prepared.tells || (state === 'QUARANTINED' && !command.mayTell)) return;
  throw refused(state === 'BLOCKED' ? 'blocked' : 'quarantined');
}

/** Throws the refusal of a device that is blocked by what it has just told; one that told nothing may go on to. */
export function checkTold({ device, access }: Pick<Standing, 'device' | 'access'>): void {
  const isToBeWiped = wipeRefusal(device) !== undefined;
  if (access.state === 'BLOCKED' && !isToBeWiped && hasTold(device)) throw refused('blocked');
}

/** Throws the refusal of a document by which a device in quarantine would put something in. */
export function checkBody(body: CommandBody, { state }: DeviceAccessJudgement): void {
  if (state === 'QUARANTINED' && body.kind === 'document' && putsIn(body.root)) throw refused('quarantined');
}

/** A wipe comes before everything, and reaches a device that is blocked. */
function refusalOf(command: ServableCommand, standing: Standing): Refusal | undefined {
  const { device, policy, access, isTrial, policyKey } = standing;
  const wipe = wipeRefusal(device);
  if (wipe !== undefined) return wipe === 'wipe-requested' && command.wipe === 'exempt' ? undefined : wipe;
  const { state, mayTell } = access;
  const isBlocked = state === 'BLOCKED';
  if (isBlocked && !(mayTell && (command.mayTell || !hasTold(device)))) return 'blocked';
  if (isTrial && command.wipe !== 'exempt') return 'not-provisioned';
  // What it is it tells while it provisions: it hears of that before it hears that it is blocked.
  const unprovisioned = command.policy === 'exempt' ? undefined : admission(device, policy, policyKey);
  if (unprovisioned !== undefined) return isBlocked && hasTold(device) ? 'blocked' : unprovisioned;
  if (state === 'ALLOWED' || command.mayTell) return undefined;
  if (isBlocked) return 'blocked';
  return command.quarantine === 'served' ? undefined : 'quarantined';
}

function putsIn({ tag, children }: Element): boolean {
  return tag === AirSync.Add || tag === Email2.Send || children.some(putsIn);
}

function refused(refusal: Refusal): CommandError {
  return new CommandError(statusByRefusal[refusal], refusal);
}
