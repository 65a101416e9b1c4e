import type { Device, DeviceInformation } from './device.ts';
import { DomainError } from './errors.ts';
import type { DeviceId, MailboxRef, OrganizationId } from './ids.ts';
import type { Clock } from './outside.ts';
import type { Policies } from './policy.ts';
import type { MailboxTx, MailStore, PageOf } from './ports.ts';

/** What finds the devices of an organisation without looking into every mailbox. */
export interface DeviceIndex {
  /** Nothing happens if it is there. */
  addDevice(ref: MailboxRef, device: DeviceId): Promise<void>;
  removeDevice(ref: MailboxRef, device: DeviceId): Promise<void>;
  /** In a stable order; `after` is the `next` of the page before. It may name devices that are gone. */
  deviceEntries(
    organization: OrganizationId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<DeviceEntry, string>>;
}

/** Where a device is. */
export interface DeviceEntry {
  readonly ref: MailboxRef;
  readonly device: DeviceId;
}

/** What a request tells of its device. */
interface DeviceSighting {
  readonly id: DeviceId;
  readonly type: string;
  readonly userAgent: string;
  readonly protocolVersion: string;
  /** False: the request named no version; what is known of the device's own stays. */
  readonly isVersionStated?: boolean | undefined;
}

/** A device and whose it is. */
export interface OwnedDevice {
  readonly ref: MailboxRef;
  readonly device: Device;
}

/** What an organisation says of devices that come for the first time. */
interface NewDeviceRules {
  settings(organization: OrganizationId): Promise<{ readonly maxDevicesPerUser: number }>;
  welcome(ref: MailboxRef, device: DeviceId): Promise<Device['cameAs']>;
}

/** The time of the last request is kept this exactly: a device that only asks costs no write. */
const lastSyncExactMs = 5 * 60_000;

/** The partnerships of all users: made at the first command, listed, wiped, removed. */
export class Devices {
  readonly #store: MailStore;
  readonly #index: DeviceIndex;
  readonly #policies: Policies;
  readonly #access: NewDeviceRules;
  readonly #clock: Clock;

  constructor(
    store: MailStore,
    index: DeviceIndex,
    policies: Policies,
    access: NewDeviceRules,
    clock: Clock,
  ) {
    this.#store = store;
    this.#index = index;
    this.#policies = policies;
    this.#access = access;
    this.#clock = clock;
  }

  /** The device of a request, made or brought up to date. Throws `device/too-many`. */
  async meet(ref: MailboxRef, sighting: DeviceSighting): Promise<Device> {
    const nowMs = this.#clock.now();
    const known = await this.#store.mailbox(ref).device(sighting.id);
    if (known !== undefined && !isNews(known, sighting, nowMs)) return known;
    const { maxDevicesPerUser } = await this.#access.settings(ref.organization);
    const cameAs = known === undefined ? await this.#access.welcome(ref, sighting.id) : undefined;
    // The entry comes first: one without its device is passed over, a device without its entry would not be listed.
    if (known === undefined) await this.#addEntry(ref, sighting.id, maxDevicesPerUser);
    const met = await this.#transact(ref, async (tx) => {
      const before = await tx.device(sighting.id);
      if (before === undefined && known !== undefined) return undefined;
      if (before === undefined) await refuseTooMany(tx, maxDevicesPerUser);
      const device =
        before === undefined ? newDevice(sighting, cameAs, nowMs) : seen(before, sighting, nowMs);
      tx.putDevice(device);
      return device;
    });
    // It was removed meanwhile, and comes as a new one.
    return met ?? (await this.meet(ref, sighting));
  }

  /** Keeps what the device told of itself; a value left out stays, an empty one is cleared. */
  async inform(ref: MailboxRef, id: DeviceId, told: DeviceInformation): Promise<void> {
    await this.update(ref, id, (device) => {
      const information = { ...device.information, ...told };
      const isSame = JSON.stringify(information) === JSON.stringify(device.information);
      return isSame ? device : { ...device, information };
    });
  }

  /** Keeps a device's recovery password; '' clears it. Throws `device/not-found`. */
  async putRecoveryPassword(ref: MailboxRef, id: DeviceId, password: string): Promise<void> {
    await this.update(ref, id, (device) => {
      if ((device.recoveryPassword?.password ?? '') === password) return device;
      const recoveryPassword = password === '' ? undefined : { password, setMs: this.#clock.now() };
      return { ...device, recoveryPassword };
    });
  }

  /** Changes a device's record; the same object means nothing changed. Throws `device/not-found`. */
  update(ref: MailboxRef, id: DeviceId, change: (device: Device) => Device): Promise<Device> {
    return this.#transact(ref, async (tx) => {
      const before = await found(tx, id);
      const after = change(before);
      if (after !== before) tx.putDevice(after);
      return after;
    });
  }

  /** A user's device. Throws `device/not-found`. */
  async get(ref: MailboxRef, id: DeviceId): Promise<Device> {
    const device = await this.#store.mailbox(ref).device(id);
    return device ?? notFound();
  }

  /** A user's devices. */
  list(ref: MailboxRef): Promise<readonly Device[]> {
    return this.#store.mailbox(ref).devices();
  }

  /** The devices of an organisation, page by page; a page may be short or empty before the end. */
  async listAll(
    organization: OrganizationId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<OwnedDevice, string>> {
    const page = await this.#index.deviceEntries(organization, after, limit);
    const read = await Promise.all(
      page.rows.map(async ({ ref, device: id }) => {
        const device = await this.#store.mailbox(ref).device(id);
        return device && { ref, device };
      }),
    );
    const rows = read.filter((owned) => owned !== undefined);
    return page.next === undefined ? { rows } : { rows, next: page.next };
  }

  /**
   * Forgets a device with everything it holds; it starts afresh when it comes back. One that is still to be wiped is
   * removed with `evenUnwiped` only: its wipe is forgotten with it. Throws `device/not-found`, `entity/state`.
   */
  async remove(
    ref: MailboxRef,
    id: DeviceId,
    { evenUnwiped = false }: { readonly evenUnwiped?: boolean } = {},
  ): Promise<void> {
    const remove = () =>
      this.#transact(ref, async (tx) => {
        const device = await found(tx, id);
        if (isToBeWiped(device) && !evenUnwiped) refuseUnwiped();
        return tx.deleteDevice(id);
      });
    while (!(await remove()));
    await this.#index.removeDevice(ref, id);
    // It may have come back meanwhile, and found its old entry.
    const isBack = (await this.#store.mailbox(ref).device(id)) !== undefined;
    if (isBack) await this.#index.addDevice(ref, id);
    this.#policies.announce({ ...ref, device: id });
  }

  /**
   * Asks for a remote wipe (MS-ASPROV, Remote Wipe), again if one was done before; the same one that is still to be done
   * goes on, so that what the device says of it counts. `accountOnly` removes the account's data only, which devices
   * below 16.1 do not know. Throws `device/not-found`, `request/unsupported`.
   */
  async requestWipe(ref: MailboxRef, id: DeviceId, accountOnly: boolean): Promise<Device> {
    const device = await this.update(ref, id, (before) => {
      if (accountOnly && before.protocolVersion !== '16.1') {
        throw new DomainError(
          'request/unsupported',
          `The device speaks ActiveSync ${before.protocolVersion}: only 16.1 knows how to remove the account alone. Wipe all of it, or block it.`,
        );
      }
      if (isToBeWiped(before) && before.wipeAccountOnly === accountOnly) return before;
      return {
        ...before,
        wipe: 'requested',
        wasToldToWipe: before.wasToldToWipe === true || !['none', 'requested'].includes(before.wipe),
        wipeAccountOnly: accountOnly,
        wipeRequestedMs: this.#clock.now(),
        wipeSentMs: undefined,
        wipeAcknowledgedMs: undefined,
      };
    });
    this.#policies.announce({ ...ref, device: id });
    return device;
  }

  /** Takes a wipe back that was not yet sent, unless another one was before. Throws `device/not-found`, `entity/state`. */
  cancelWipe(ref: MailboxRef, id: DeviceId): Promise<Device> {
    return this.update(ref, id, (before) => {
      if (before.wipe === 'none') throw new DomainError('entity/state', 'No wipe was asked for.');
      if (before.wipe !== 'requested' || before.wasToldToWipe === true) {
        const which = before.wipe === 'requested' ? 'An earlier' : 'The';
        throw new DomainError('entity/state', `${which} wipe was already sent to the device.`);
      }
      return { ...before, wipe: 'none', wipeAccountOnly: false, wipeRequestedMs: undefined };
    });
  }

  async #addEntry(ref: MailboxRef, id: DeviceId, most: number): Promise<void> {
    await refuseTooMany(this.#store.mailbox(ref), most);
    await this.#index.addDevice(ref, id);
  }

  #transact<T>(ref: MailboxRef, decide: (tx: MailboxTx) => Promise<T>): Promise<T> {
    return this.#store.transact([ref], (of) => decide(of(ref)));
  }
}

async function found(tx: MailboxTx, id: DeviceId): Promise<Device> {
  return (await tx.device(id)) ?? notFound();
}

function notFound(): never {
  throw new DomainError('device/not-found', 'The user has no such device.');
}

function isToBeWiped({ wipe }: Device): boolean {
  return wipe !== 'none' && wipe !== 'acknowledged';
}

function refuseUnwiped(): never {
  throw new DomainError(
    'entity/state',
    'The device is not wiped yet: removed, it never will be, and it is served again when it comes back.',
  );
}

async function refuseTooMany(reader: Pick<MailboxTx, 'devices'>, most: number): Promise<void> {
  const devices = await reader.devices();
  if (devices.length < most) return;
  throw new DomainError('device/too-many', `The user has ${devices.length} devices already.`);
}

function newDevice(
  { id, type, userAgent, protocolVersion }: DeviceSighting,
  cameAs: Device['cameAs'],
  nowMs: number,
): Device {
  return {
    id,
    type,
    userAgent,
    protocolVersion,
    information: {},
    ...(cameAs && { cameAs }),
    wipe: 'none',
    wipeAccountOnly: false,
    firstSyncMs: nowMs,
    lastSyncMs: nowMs,
  };
}

function seen(device: Device, sighting: DeviceSighting, nowMs: number): Device {
  const { userAgent, type } = sighting;
  return { ...device, type, userAgent, protocolVersion: versionSeen(device, sighting), lastSyncMs: nowMs };
}

function versionSeen(device: Device, { protocolVersion, isVersionStated = true }: DeviceSighting): string {
  return isVersionStated ? protocolVersion : device.protocolVersion;
}

function isNews(device: Device, sighting: DeviceSighting, nowMs: number): boolean {
  return (
    nowMs - device.lastSyncMs >= lastSyncExactMs ||
    device.type !== sighting.type ||
    device.userAgent !== sighting.userAgent ||
    device.protocolVersion !== versionSeen(device, sighting)
  );
}
