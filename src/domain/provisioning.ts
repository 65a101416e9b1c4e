import type { Device } from './device.ts';
import type { Devices } from './devices.ts';
import type { DeviceId, MailboxRef } from './ids.ts';
import type { Clock, Random } from './outside.ts';
import type { EffectivePolicy } from './policy.ts';

/** Why a device is not served until it has provisioned (MS-ASPROV; MS-ASCMD, Common Status Codes 140 to 144). */
export type ProvisioningRefusal =
  | 'wipe-requested'
  | 'wipe-not-possible'
  | 'not-provisioned'
  | 'policy-refresh'
  | 'invalid-policy-key';

/** What a device says of the policy it was given (MS-ASPROV, Status (Policy) of a request). */
export const Acknowledgement = { Applied: 1, Partially: 2, NotApplied: 3, ManagedByOthers: 4 } as const;
export type Acknowledgement = (typeof Acknowledgement)[keyof typeof Acknowledgement];

/** What comes of an acknowledgement: the final key, or why there is none. */
type AcknowledgementResult =
  | { readonly outcome: 'accepted'; readonly policyKey: number }
  | { readonly outcome: 'wrong-key' | 'not-applied' | 'only-partially' | 'managed-by-others' };

/**
 * Whether a device may go on, by its record, the policy in force and the key it sent (undefined: none). A wipe comes
 * before everything and stays until the device is removed: a wiped device that returns is wiped again.
 */
export function admission(
  device: Device,
  policy: EffectivePolicy,
  sentKey: number | undefined,
): ProvisioningRefusal | undefined {
  const wipe = wipeRefusal(device);
  if (wipe !== undefined) return wipe;
  if (device.policyKey === undefined) {
    const isServed = policy.allowNonProvisionableDevices && device.refusedPolicy !== true;
    return isServed ? undefined : 'not-provisioned';
  }
  if (sentKey === undefined || sentKey === 0) return 'not-provisioned';
  if (sentKey !== device.policyKey) return 'invalid-policy-key';
  return device.policyRevision === policy.revision ? undefined : 'policy-refresh';
}

/** The part of `admission` that also holds for what needs no policy. */
export function wipeRefusal(device: Device): ProvisioningRefusal | undefined {
  if (device.wipe === 'none') return undefined;
  return canWipe(device) ? 'wipe-requested' : 'wipe-not-possible';
}

/** An account-only wipe is never turned into a full one for a device that came back with an older version. */
function canWipe(device: Device): boolean {
  return !device.wipeAccountOnly || device.protocolVersion === '16.1';
}

/** The life of policy keys and wipes (MS-ASPROV, Processing Rules): one record of one device each. */
export class Provisioning {
  readonly #devices: Devices;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(devices: Devices, clock: Clock, random: Random) {
    this.#devices = devices;
    this.#clock = clock;
    this.#random = random;
  }

  /** Offers the policy: gives the temporary key, which is good for its acknowledgement only. */
  async offer(ref: MailboxRef, id: DeviceId, policy: EffectivePolicy): Promise<number> {
    const pendingKey = this.#newKey();
    await this.#devices.update(ref, id, (device) => ({
      ...device,
      pendingKey,
      pendingRevision: policy.revision,
    }));
    return pendingKey;
  }

  /** Takes the acknowledgement of an offer. A repeated one (the answer was lost) gives the same final key. */
  async acknowledge(
    ref: MailboxRef,
    id: DeviceId,
    policy: EffectivePolicy,
    temporaryKey: number,
    said: Acknowledgement,
  ): Promise<AcknowledgementResult> {
    const fresh = this.#newKey();
    let result: AcknowledgementResult = { outcome: 'wrong-key' };
    await this.#devices.update(ref, id, (device) => {
      const repeated = repeatOf(device, temporaryKey, said, policy);
      if (repeated?.outcome === 'accepted') {
        result = repeated;
        return device;
      }
      if (device.pendingKey === undefined || device.pendingKey !== temporaryKey) {
        result = { outcome: 'wrong-key' };
        return device;
      }
      result = outcomeOf(said, policy, fresh);
      return settled(device, result);
    });
    return result;
  }

  /** The wipe was told to the device. */
  async wipeSent(ref: MailboxRef, id: DeviceId): Promise<void> {
    await this.#devices.update(ref, id, (device) =>
      device.wipe === 'requested' ? { ...device, wipe: 'sent', wipeSentMs: this.#clock.now() } : device,
    );
  }

  /**
   * What the device says of its wipe. After a success its keys are gone; a failure leaves the wipe to be done. False:
   * no wipe was asked for.
   */
  async wipeAcknowledged(ref: MailboxRef, id: DeviceId, succeeded: boolean): Promise<boolean> {
    const device = await this.#devices.update(ref, id, (before) => {
      if (before.wipe === 'none') return before;
      if (!succeeded) return { ...before, wipe: 'failed', wipeAcknowledgedMs: this.#clock.now() };
      return {
        ...withoutKeys(before),
        wipe: 'acknowledged',
        wipeAcknowledgedMs: this.#clock.now(),
      };
    });
    return device.wipe !== 'none';
  }

  /** Random, 32 bit, never 0: 0 on the wire means none. */
  #newKey(): number {
    const bytes = this.#random.bytes(4);
    const key = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
    return key === 0 ? this.#newKey() : key;
  }
}

/** What a repeated acknowledgement comes to; undefined: it is none. */
function repeatOf(
  { policyKey, pendingKey, acknowledgedKey }: Device,
  temporaryKey: number,
  said: Acknowledgement,
  policy: EffectivePolicy,
): AcknowledgementResult | undefined {
  const isRepeat = acknowledgedKey === temporaryKey && pendingKey === undefined;
  return isRepeat && policyKey !== undefined ? outcomeOf(said, policy, policyKey) : undefined;
}

function outcomeOf(said: Acknowledgement, policy: EffectivePolicy, policyKey: number): AcknowledgementResult {
  const { Applied, Partially, NotApplied } = Acknowledgement;
  if (said === NotApplied) return { outcome: 'not-applied' };
  if (said === Applied || policy.allowNonProvisionableDevices) return { outcome: 'accepted', policyKey };
  return { outcome: said === Partially ? 'only-partially' : 'managed-by-others' };
}

function settled(device: Device, result: AcknowledgementResult): Device {
  if (result.outcome === 'not-applied') return { ...withoutKeys(device), refusedPolicy: true };
  if (result.outcome !== 'accepted') return withoutKeys(device);
  return {
    ...withoutKeys(device),
    policyKey: result.policyKey,
    policyRevision: device.pendingRevision,
    acknowledgedKey: device.pendingKey,
  };
}

function withoutKeys(device: Device): Device {
  const { policyKey, policyRevision, pendingKey, pendingRevision, acknowledgedKey, refusedPolicy, ...rest } =
    device;
  return rest;
}
