import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Account } from '#directory/account';
import type { Directory } from '#directory/directory';
import type { SignIn } from '#directory/sign-in';
import type { Device } from '#domain/device';
import type { DeviceAccessJudgement } from '#domain/device-access';
import { DomainError } from '#domain/errors';
import { mailboxOf } from '#domain/ids';
import { Mailbox } from '#domain/mailbox';
import type { EffectivePolicy, Policies } from '#domain/policy';
import type { MailStore } from '#domain/ports';
import type { Quarantine } from '#domain/quarantine';
import { readBody } from '#protocols/http/body';
import { type BodyHold, BodyRoom } from '#protocols/http/body-room';
import type { HttpContext, HttpHandler } from '#protocols/http/handler';
import { HttpError } from '#protocols/http/http-error';
import { send } from '#protocols/http/response';
import type { Route } from '#protocols/http/router';
import { signInOver } from '#protocols/http/sign-in';
import type { Logger } from '#telemetry/log';
import { checkAdmittance, checkBody, checkRequest, checkTold } from './admittance.ts';
import { commonHeaders, sendDocument, sendMultipart } from './answer.ts';
import type {
  CommandAnswer,
  CommandBody,
  CommandContext,
  CommandServices,
  EndReason,
  PreparedCommand,
  ServableCommand,
} from './command.ts';
import { CommandError } from './command-error.ts';
import { statusDocument } from './command-roots.ts';
import { commands } from './commands/index.ts';
import { statusByCode } from './domain-status.ts';
import { sendFile } from './file-answer.ts';
import { HangingRequests } from './hanging.ts';
import { isAtLeast, type ProtocolVersion, protocolVersions } from './protocol-version.ts';
import { type RequestLine, RequestLineError, readRequestLine } from './request-line.ts';
import { CommonStatus, httpStatusOf, isKnownIn } from './status.ts';
import { decode, WbxmlContentError } from './wbxml/decode.ts';

/** What the endpoint is made of. */
interface ActiveSyncParts {
  readonly signIn: Pick<SignIn, 'signIn'>;
  readonly accounts: Pick<Directory, 'onChange'>;
  readonly store: MailStore;
  readonly policies: Policies;
  readonly quarantine: Pick<Quarantine, 'mailboxFor'>;
  readonly services: CommandServices;
}

/** What old Android sends while it tries an account out: it is answered, and never becomes a partnership. */
const TRIAL_DEVICE = 'validate';

const MIB = 1024 * 1024;
/** So many of the largest requests are held at a time, or more of smaller ones. */
const largeRequests = 3;
const retryAfterSeconds = '60';

/** What a device learns of this server (MS-ASHTTP, MS-ASProtocolVersions, MS-ASProtocolCommands); no blanks. */
const capabilities = {
  'MS-ASProtocolVersions': protocolVersions.join(','),
  'MS-ASProtocolCommands': Object.keys(commands).join(','),
} as const;

/** The ActiveSync endpoint (MS-ASHTTP): HTTP in, HTTP out; who asks, in which version, and may the device go on. */
export class ActiveSyncEndpoint {
  readonly #parts: ActiveSyncParts;
  readonly #hanging = new HangingRequests();
  readonly #maxBodyBytes: number;
  readonly #bodies: BodyRoom;
  readonly #unwatch: readonly (() => void)[];
  /** How often anybody's password, state or address has changed. */
  #accountChanges = 0;

  constructor(parts: ActiveSyncParts) {
    this.#parts = parts;
    // A message in base64, and what stands around it.
    this.#maxBodyBytes = Math.ceil((parts.services.maxMessageBytes * 4) / 3) + MIB;
    this.#bodies = new BodyRoom(largeRequests * this.#maxBodyBytes);
    this.#unwatch = [
      parts.policies.watch((change) => this.#hanging.rulesChanged(change)),
      parts.accounts.onChange((entity) => {
        this.#accountChanges++;
        this.#hanging.accountChanged(mailboxOf(entity));
      }),
    ];
  }

  /** How many Pings and waiting Syncs there are. */
  get waiting(): number {
    return this.#hanging.size;
  }

  /** The routes to serve. */
  get routes(): readonly Route[] {
    const handler: HttpHandler = (request, response, http) => this.#serve(request, response, http);
    const methods = { OPTIONS: handler, POST: handler };
    const paths = ['', '/', '/default.eas'].map((end) => `/Microsoft-Server-ActiveSync${end}`);
    return paths.map((path) => ({ path, anyCase: true, methods }));
  }

  /** Ends everything that waits, at once, and lets nothing wait any more. */
  stop(): void {
    for (const unwatch of this.#unwatch) unwatch();
    this.#hanging.stop();
  }

  async #serve(request: IncomingMessage, response: ServerResponse, http: HttpContext): Promise<void> {
    const accountChanges = this.#accountChanges;
    const account = await signInOver(this.#parts.signIn, request, http);
    if (request.method === 'OPTIONS') {
      const methods = { Public: 'OPTIONS,POST', Allow: 'OPTIONS,POST' };
      send(response, 200, { ...commonHeaders, ...capabilities, ...methods });
      return;
    }
    let line: RequestLine | undefined;
    try {
      line = readRequestLine(request.url ?? '', request.headers);
      const call = new Call(account, line, request, http, this.#parts);
      await this.#command(request, response, call, accountChanges);
    } catch (error) {
      if (error instanceof HttpError) throw error;
      await answerError(error, line, request, response, http.log);
    }
  }

  /** `accountChanges` is their number before the sign-in. */
  async #command(
    request: IncomingMessage,
    response: ServerResponse,
    call: Call,
    accountChanges: number,
  ): Promise<void> {
    const command = commandOf(call.line);
    response.once('close', () => call.end('client-gone'));
    await call.admit(command);
    const hold = this.#bodies.hold();
    const prepared = await this.#prepare(command, request, call, hold);
    if (!prepared.mayWait || call.isTrial) {
      const result = await prepared.run(call).finally(hold.release);
      // What it told may be what keeps it out.
      if (prepared.tells && !call.isTrial) {
        await call.admitAgain(command);
        checkTold(call);
      }
      return await answer(request, response, call, result);
    }
    hold.release();
    const done = this.#hanging.begin(call.account.mailbox, call.line.deviceId, call.controller);
    try {
      // From here on a change of rules or of the account ends it; one that came just before is seen now.
      if (accountChanges !== this.#accountChanges) call.end('account-changed');
      await call.admit(command);
      const result = await prepared.run(call);
      // The wait ended because the rules changed: the device hears of the new ones instead.
      if (call.signal.aborted && call.signal.reason === 'policy-changed') await call.admitAgain(command);
      await answer(request, response, call, result);
    } finally {
      done();
    }
  }

  /** What comes back holds the request as the command needs it, and nothing of its bytes. */
  async #prepare(
    command: ServableCommand,
    request: IncomingMessage,
    call: Call,
    hold: BodyHold,
  ): Promise<PreparedCommand> {
    try {
      const raw = await readBody(request, this.#maxBodyBytes, hold);
      const body = bodyOf(raw, command, request, call);
      checkBody(body, call.access);
      const prepared = command.prepare(body, call.line);
      checkRequest(prepared, command, call.access);
      return prepared;
    } catch (error) {
      hold.release();
      throw error;
    }
  }
}

/** One request of a device. A Ping holds this for up to an hour: the logger is made only when something is logged. */
class Call implements CommandContext {
  readonly account: Account;
  readonly line: RequestLine;
  readonly controller = new AbortController();
  readonly services: CommandServices;
  /** The account's; that of its own, for a device in quarantine. */
  mailbox: Mailbox;
  readonly userAgent: string;
  readonly #http: HttpContext;
  readonly #parts: ActiveSyncParts;
  #device: Device | undefined;
  #policy: EffectivePolicy | undefined;
  #access: DeviceAccessJudgement | undefined;
  #log: Logger | undefined;

  constructor(
    account: Account,
    line: RequestLine,
    request: IncomingMessage,
    http: HttpContext,
    parts: ActiveSyncParts,
  ) {
    this.account = account;
    this.line = line;
    this.services = parts.services;
    this.mailbox = new Mailbox(parts.store, account.mailbox);
    this.userAgent = (request.headers['user-agent'] ?? '').slice(0, 256);
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

/** The command of a request; throws 137 for one that is not served, or not in this version. */
function commandOf({ command: name, protocolVersion }: RequestLine): ServableCommand {
  const command = Object.hasOwn(commands, name) ? commands[name as keyof typeof commands] : undefined;
  const { since, until } = command ?? {};
  const isServed =
    (since === undefined || isAtLeast(protocolVersion, since)) &&
    (until === undefined || isAtLeast(until, protocolVersion));
  if (command !== undefined && isServed) return command;
  throw new CommandError(CommonStatus.CommandNotSupported, `command ${name.slice(0, 40)}`);
}

function bodyOf(raw: Buffer, command: ServableCommand, request: IncomingMessage, call: Call): CommandBody {
  if (raw.length === 0) return { kind: 'empty' };
  const isDocument = raw[0] !== undefined && raw[0] <= 0x03 && raw[1] === 0x01;
  if (command.takesMessage && !isAtLeast(call.version, '14.0')) {
    if (!isDocument) return { kind: 'message', raw };
    throw new CommandError(CommonStatus.InvalidContent, 'a document in place of a message');
  }
  const type = request.headers['content-type'] ?? '';
  if (!isDocument && type !== '' && !type.toLowerCase().includes('vnd.ms-sync')) {
    throw new CommandError(CommonStatus.InvalidContent, 'no document');
  }
  const { root, skipped } = decode(raw, { maxBytes: raw.length });
  if (skipped.length > 0) {
    const tags = skipped.map(({ page, token }) => `${page}:0x${token.toString(16)}`).join(' ');
    call.log.info('activesync.body.unknown', { command: command.name, tags });
  }
  return { kind: 'document', root };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  call: Call,
  { root, parts, file, startsOver }: CommandAnswer,
): Promise<void> {
  // MS-ASHTTP, X-MS-RP: a device that starts from nothing is told again what there is.
  const again = { ...capabilities, 'X-MS-RP': capabilities['MS-ASProtocolVersions'] };
  const headers = startsOver ? again : {};
  if (response.destroyed) return;
  if (file !== undefined) await sendFile(response, file);
  else if (parts !== undefined && root !== undefined) sendMultipart(response, root, parts, headers);
  else await sendDocument(request, response, root, headers);
  call.log.debug('activesync.command.done', { command: call.line.command, version: call.version });
}

async function answerError(
  error: unknown,
  line: RequestLine | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  log: Logger,
): Promise<void> {
  const asked = {
    command: line?.command ?? (error instanceof RequestLineError ? error.command : undefined) ?? '',
    version: line?.protocolVersion ?? (error instanceof RequestLineError ? error.protocolVersion : undefined),
    policyKey: line?.policyKey,
  };
  const status = statusOf(error);
  const fields = {
    command: asked.command.slice(0, 40),
    version: asked.version,
    status,
    device: line?.deviceId,
  };
  if (status === undefined) log.error('activesync.command.failed', { err: error }, fields);
  else
    log.info('activesync.command.refused', {
      ...fields,
      reason: error instanceof Error ? error.message : '',
    });
  if (response.headersSent || response.destroyed) return;
  const said = status ?? CommonStatus.ServerErrorRetryLater;
  const speaks = asked.version !== undefined && isKnownIn(said, asked.version);
  const document = speaks ? statusDocument(asked.command, said) : undefined;
  if (document !== undefined) return await sendDocument(request, response, document);
  const httpStatus =
    error instanceof RequestLineError ? error.httpStatus : httpStatusOf(said as CommonStatus, asked);
  const later = httpStatus === 503 ? { 'Retry-After': retryAfterSeconds } : {};
  send(response, httpStatus, { ...commonHeaders, ...later });
}

/** The status of an error we foresaw; undefined for any other. */
function statusOf(error: unknown): number | undefined {
  if (error instanceof CommandError || error instanceof RequestLineError) return error.status;
  if (error instanceof WbxmlContentError) return CommonStatus.InvalidWBXML;
  return error instanceof DomainError ? statusByCode[error.code] : undefined;
}
