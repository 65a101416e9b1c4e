import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AccessControl } from '#directory/access-control';
import type { Directory } from '#directory/directory';
import type { SignIn } from '#directory/sign-in';
import { mailboxOf, type OrganizationId } from '#domain/ids';
import type { SyncDiary } from '#domain/sync-diary';
import { readBody } from '#protocols/http/body';
import { type BodyHold, BodyRoom } from '#protocols/http/body-room';
import type { HttpContext, HttpHandler } from '#protocols/http/handler';
import { HttpError } from '#protocols/http/http-error';
import { send } from '#protocols/http/response';
import type { Route } from '#protocols/http/router';
import { signInOver } from '#protocols/http/sign-in';
import type { Logger } from '#telemetry/log';
import { checkBody, checkRequest, checkTold } from './admittance.ts';
import { commonHeaders, sendDocument, sendMultipart } from './answer.ts';
import { answerError } from './answer-error.ts';
import { Call, type CallParts } from './call.ts';
import type { CommandAnswer, PreparedCommand, ServableCommand } from './command.ts';
import { commands } from './commands/index.ts';
import { sendFile } from './file-answer.ts';
import { HangingRequests } from './hanging.ts';
import { protocolVersions } from './protocol-version.ts';
import { bodyOf, commandOf } from './request-body.ts';
import { readRequestLine } from './request-line.ts';

/** What the endpoint is made of. */
interface ActiveSyncParts extends CallParts {
  readonly signIn: Pick<SignIn, 'signIn'>;
  readonly accounts: Pick<Directory, 'onChange'>;
  readonly accessControl: Pick<AccessControl, 'onChange' | 'isAllowed'>;
  readonly log: Logger;
  readonly diary: Pick<SyncDiary, 'note'>;
}

const MIB = 1024 * 1024;
/** So many of the largest requests are held at a time, or more of smaller ones. */
const largeRequests = 3;

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
  /** How often anybody's rules, policies or wipes have. */
  #ruleChanges = 0;

  constructor(parts: ActiveSyncParts) {
    this.#parts = parts;
    // A message in base64, and what stands around it.
    this.#maxBodyBytes = Math.ceil((parts.services.maxMessageBytes * 4) / 3) + MIB;
    this.#bodies = new BodyRoom(largeRequests * this.#maxBodyBytes);
    this.#unwatch = [
      parts.policies.watch((change) => {
        this.#ruleChanges++;
        this.#hanging.rulesChanged(change);
      }),
      parts.accounts.onChange((entity) => {
        this.#accountChanges++;
        this.#hanging.accountChanged(mailboxOf(entity));
      }),
      parts.accessControl.onChange((organization) => this.#accessChanged(organization)),
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

  /** Who may not ask any more waits no longer; a request that is coming in has to sign in again. */
  #accessChanged(organization: OrganizationId): void {
    const { accessControl, log } = this.#parts;
    this.#accountChanges++;
    this.#hanging
      .accessChanged(organization, (account, address) =>
        accessControl.isAllowed(account, address, 'ActiveSync'),
      )
      .catch((err: unknown) => log.error('access.announce.failed', { err }));
  }

  async #serve(request: IncomingMessage, response: ServerResponse, http: HttpContext): Promise<void> {
    const changes = this.#changes;
    const account = await signInOver(this.#parts.signIn, request, http);
    if (request.method === 'OPTIONS') {
      const methods = { Public: 'OPTIONS,POST', Allow: 'OPTIONS,POST' };
      send(response, 200, { ...commonHeaders, ...capabilities, ...methods });
      return;
    }
    let call: Call | undefined;
    try {
      const line = readRequestLine(request.url ?? '', request.headers);
      call = new Call(account, line, request, http, this.#parts);
      await this.#command(request, response, call, { http, ...changes });
    } catch (error) {
      if (error instanceof HttpError) {
        call?.record.refused(error);
        throw error;
      }
      await answerError(error, call, request, response, http);
    } finally {
      if (call !== undefined && !call.isTrial) this.#keep(call, request, response);
    }
  }

  /** What the request did goes into the device's diary. */
  #keep(call: Call, request: IncomingMessage, response: ServerResponse): void {
    const { diary, traces, services } = this.#parts;
    const { record, line, account } = call;
    const nowMs = services.clock.now();
    // Every answered request ends with its client's going, too.
    const isEnded = call.signal.aborted && !(call.signal.reason === 'client-gone' && response.headersSent);
    if (isEnded) record.ended(call.signal.reason);
    diary.note(account.mailbox, line.deviceId, record.entry(line, call.deviceAsMet, response, nowMs));
    const traced = record.traced(line, request, response, nowMs);
    if (traced !== undefined) traces.add(account.mailbox, line.deviceId, traced);
  }

  get #changes(): Changes {
    return { accounts: this.#accountChanges, rules: this.#ruleChanges };
  }

  async #command(
    request: IncomingMessage,
    response: ServerResponse,
    call: Call,
    arrival: Arrival,
  ): Promise<void> {
    const command = commandOf(call.line);
    response.once('close', () => call.end('client-gone'));
    await call.admit(command);
    const hold = this.#bodies.hold();
    const prepared = await this.#prepare(command, request, call, hold, arrival);
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
    const done = this.#hanging.begin({
      account: call.account,
      device: call.line.deviceId,
      controller: call.controller,
      address: arrival.http.remoteAddress,
    });
    try {
      // From here on a change of rules or of the account ends it; one that came just before is seen now.
      if (arrival.accounts !== this.#accountChanges) call.end('account-changed');
      await call.admit(command);
      const beganMs = call.clock.now();
      const result = await prepared.run(call);
      call.record.waited(call.clock.now() - beganMs);
      // The wait ended because the rules changed: the device hears of the new ones instead.
      if (call.signal.aborted && call.signal.reason === 'policy-changed') await call.admitAgain(command);
      await answer(request, response, call, result);
    } finally {
      done();
    }
  }

  /** A body may be minutes on its way: who was shut out meanwhile, or has to sign in again, is not served for it. */
  async #admitLate(
    command: ServableCommand,
    request: IncomingMessage,
    call: Call,
    { accounts, rules, http }: Arrival,
  ): Promise<void> {
    if (accounts !== this.#accountChanges) await signInOver(this.#parts.signIn, request, http);
    if (rules !== this.#ruleChanges) await call.admit(command);
  }

  /** What comes back holds the request as the command needs it, and nothing of its bytes. */
  async #prepare(
    command: ServableCommand,
    request: IncomingMessage,
    call: Call,
    hold: BodyHold,
    arrival: Arrival,
  ): Promise<PreparedCommand> {
    try {
      const raw = await readBody(request, this.#maxBodyBytes, hold);
      call.record.received(raw);
      await this.#admitLate(command, request, call, arrival);
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

/** How often something changed that a request is judged by. */
interface Changes {
  readonly accounts: number;
  readonly rules: number;
}

/** How it stood when a request came. */
interface Arrival extends Changes {
  readonly http: HttpContext;
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
  const sent =
    file !== undefined
      ? await sendFile(response, file)
      : parts !== undefined && root !== undefined
        ? sendMultipart(response, root, parts, headers)
        : await sendDocument(request, response, root, headers);
  call.record.answered(root, sent, parts);
  call.log.debug('activesync.command.done', { command: call.line.command, version: call.version });
}
