import type { DeviceId } from './ids.ts';

/** How far a remote wipe has come. MS-ASPROV, Remote Wipe. */
export type WipeState = 'none' | 'requested' | 'sent' | 'failed' | 'acknowledged';

/** What the device told of itself. MS-ASCMD, DeviceInformation. */
export interface DeviceInformation {
  readonly model?: string | undefined;
  readonly imei?: string | undefined;
  readonly friendlyName?: string | undefined;
  readonly operatingSystem?: string | undefined;
  readonly language?: string | undefined;
  readonly phoneNumber?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly mobileOperator?: string | undefined;
}

/** A recovery password, and when the device gave it. */
export interface RecoveryPassword {
  readonly password: string;
  readonly setMs: number;
}

/** A partnership: one device of one user. */
export interface Device {
  readonly id: DeviceId;
  readonly type: string;
  readonly information: DeviceInformation;
  /** From the last request's headers. */
  readonly userAgent: string;
  readonly protocolVersion: string;
  /** The key the device must send, once it has acknowledged its policy; never 0. */
  readonly policyKey?: number | undefined;
  /** The revision of the policy it acknowledged, as `<source>:<revision>`. */
  readonly policyRevision?: string | undefined;
  /** Waiting for the acknowledgement: the temporary key and the revision it stands for. */
  readonly pendingKey?: number | undefined;
  readonly pendingRevision?: string | undefined;
  /** The temporary key that `policyKey` was given for: a device that lost the answer acknowledges it again. */
  readonly acknowledgedKey?: number | undefined;
  /** It said last that it applied nothing of the policy: it is not served, also where devices need not provision. */
  readonly refusedPolicy?: true | undefined;
  /** What the organisation did with new devices when it came for the first time; absent: it let them in. */
  readonly cameAs?: 'BLOCK' | 'QUARANTINE' | undefined;
  readonly wipe: WipeState;
  readonly wipeAccountOnly: boolean;
  /** It was told of another wipe before the one that is asked for now. */
  readonly wasToldToWipe?: boolean | undefined;
  readonly wipeRequestedMs?: number | undefined;
  readonly wipeSentMs?: number | undefined;
  readonly wipeAcknowledgedMs?: number | undefined;
  /** MS-ASCMD, DevicePassword (Settings): what unlocks it when its owner forgot how. For an administrator who asks, and nobody else. */
  readonly recoveryPassword?: RecoveryPassword | undefined;
  readonly firstSyncMs: number;
  readonly lastSyncMs: number;
}
