import type { IncomingMessage } from 'node:http';
import type { Account } from '#directory/account';
import type { Device } from '#domain/device';
import type { DeviceAccessJudgement } from '#domain/device-access';
import type { DeviceTraces } from '#domain/device-trace';
import { Mailbox } from '#domain/mailbox';
import type { EffectivePolicy, Policies } from '#domain/policy';
import type { MailStore } from '#domain/ports';
import type { Quarantine } from '#domain/quarantine';
import type { HttpContext } from '#protocols/http/handler';
import type { Logger } from '#telemetry/log';
import { checkAdmittance } from './admittance.ts';
import type { CommandContext, CommandServices, EndReason, ServableCommand } from './command.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import type { RequestLine } from './request-line.ts';
import { RequestRecord } from './request-record.ts';

/** What a request is judged and served with. */
export interface CallParts {
  readonly store: MailStore;
  readonly policies: Policies;
  readonly quarantine: Pick<Quarantine, 'mailboxFor'>;
  readonly traces: Pick<DeviceTraces, 'isOn' | 'add'>;
  readonly services: CommandServices;
}

/** What old Android sends while it tries an account out: it is answered, and never becomes a partnership. */
const TRIAL_DEVICE = 'validate';

/** One request of a device. A Ping holds this for up to an hour: the logger is made only when something is logged. */
export class Call implements CommandContext {
  readonly account: Account;
  readonly line: RequestLine;
  readonly controller = new AbortController();
  readonly services: CommandServices;
  /** The account's; that of its own, for a device in quarantine. */
  mailbox: Mailbox;
  readonly userAgent: string;
  readonly record: RequestRecord;
  readonly #http: HttpContext;
  readonly #parts: CallParts;
  #device: Device | undefined;
  #deviceAsMet: Device | undefined;
  #policy: EffectivePolicy | undefined;
  #access: DeviceAccessJudgement | undefined;
  #log: Logger | undefined;

  constructor(
    account: Account,
    line: RequestLine,
    request: IncomingMessage,
    http: HttpContext,
    parts: CallParts,
  ) {
    this.account = account;
    this.line = line;
    this.services = parts.services;
    this.mailbox = new Mailbox(parts.store, account.mailbox);
    this.userAgent = (request.headers['user-agent'] ?? '').slice(0, 256);
    this.record = new RequestRecord(
      parts.services.clock.now(),
      parts.traces.isOn(account.mailbox, line.deviceId),
    );
    this.#http = http;
    this.#parts = parts;
  }

  get requestLine(): RequestLine {
    return this.line;
  }

  get version(): ProtocolVersion {
    return this.line.protocolVersion;
  }

  get clock() {
    return this.services.clock;
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get isTrial(): boolean {
    return this.line.deviceId === TRIAL_DEVICE;
  }

  get device(): Device {
    if (this.#device === undefined) throw new Error('the device is not known before it was admitted');
    return this.#device;
  }

  /** As it was when the request came; undefined: the request was refused before its device was looked for. */
  get deviceAsMet(): Device | undefined {
    return this.#deviceAsMet;
  }

  get policy(): EffectivePolicy {
    if (this.#policy === undefined) throw new Error('the policy is not known before the device was admitted');
    return this.#policy;
  }

  get access(): DeviceAccessJudgement {
    if (this.#access === undefined) throw new Error('the device is not judged before it was admitted');
    return this.#access;
  }

  get log(): Logger {
    const { account, line } = this;
    this.#log ??= this.#http.log.child({ user: account.address, device: line.deviceId });
    return this.#log;
  }

  end(reason: EndReason): void {
    this.controller.abort(reason);
  }

  /** Finds the device and the policy in force; throws the refusal (MS-ASPROV) unless the device may go on. */
  async admit(command: ServableCommand): Promise<void> {
    await this.#decide(command, await this.#meetDevice());
  }

  /** After new rules, or what the device told; one that was removed meanwhile is not brought back by it. */
  async admitAgain(command: ServableCommand): Promise<void> {
    await this.#decide(command, await this.services.devices.get(this.account.mailbox, this.line.deviceId));
  }

  async #decide(command: ServableCommand, device: Device): Promise<void> {
    const { services, account, isTrial, line } = this;
    const [policy, access] = await Promise.all([
      this.#parts.policies.effective(account.mailbox),
      services.access.judge(account.mailbox, device),
    ]);
    this.#device = device;
    this.#deviceAsMet ??= device;
    this.#policy = policy;
    this.#access = access;
    checkAdmittance(command, { device, policy, access, isTrial, policyKey: line.policyKey });
    if (access.state === 'QUARANTINED' && command.quarantine === 'served') {
      this.mailbox = await this.#parts.quarantine.mailboxFor(account, device);
    } else if (this.mailbox.ref.mailbox !== account.mailbox.mailbox) {
      // It was let out since.
      this.mailbox = new Mailbox(this.#parts.store, account.mailbox);
    }
  }

  async #meetDevice(): Promise<Device> {
    const { deviceId, deviceType, protocolVersion, isVersionStated } = this.line;
    const { userAgent } = this;
    const sighting = { id: deviceId, type: deviceType, userAgent, protocolVersion, isVersionStated };
    if (!this.isTrial) return await this.services.devices.meet(this.account.mailbox, sighting);
    const nowMs = this.clock.now();
    const fresh = { information: {}, wipe: 'none', wipeAccountOnly: false } as const;
    return {
      id: deviceId,
      type: deviceType,
      userAgent,
      protocolVersion,
      ...fresh,
      firstSyncMs: nowMs,
      lastSyncMs: nowMs,
    };
  }
}
