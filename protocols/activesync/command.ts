import type { Account } from '#directory/account';
import type { AddressBook } from '#directory/address-book';
import type { MailboxPermissions } from '#directory/mailbox-permissions';
import type { People } from '#directory/people';
import type { Delivery } from '#domain/delivery';
import type { Device } from '#domain/device';
import type { DeviceAccess } from '#domain/device-access';
import type { Devices } from '#domain/devices';
import type { Mailbox } from '#domain/mailbox';
import type { MailboxPreferences } from '#domain/mailbox-preferences';
import type { Clock, Random } from '#domain/outside';
import type { EffectivePolicy } from '#domain/policy';
import type { Provisioning } from '#domain/provisioning';
import type { Routing } from '#domain/routing';
import type { MailSearches } from '#domain/search/mail-searches';
import type { CertificateValidator } from '#domain/smime/validator';
import type { Logger } from '#telemetry/log';
import type { BegunSearches } from './begun-searches.ts';
import { CommandError } from './command-error.ts';
import type { FileAnswer } from './file-answer.ts';
import type { MemoryShare } from './memory-share.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import type { RequestLine } from './request-line.ts';
import { CommonStatus } from './status.ts';
import type { Element } from './wbxml/element.ts';

/** What commands ask for beside the mailbox. */
export interface CommandServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly devices: Devices;
  readonly provisioning: Provisioning;
  readonly access: Pick<DeviceAccess, 'judge' | 'settings'>;
  readonly delivery: Delivery;
  readonly preferences: Pick<MailboxPreferences, 'automaticReply' | 'changeAutomaticReply'>;
  readonly directory: Pick<Routing, 'resolveRecipient'>;
  readonly permissions: Pick<MailboxPermissions, 'senderRight'>;
  readonly addressBook: Pick<AddressBook, 'search' | 'find'>;
  readonly begunSearches: BegunSearches;
  readonly certificates: Pick<CertificateValidator, 'validate'>;
  readonly people: Pick<People, 'photoOf' | 'certificatesOf' | 'membersOf'>;
  /** Of one message, as transferred. */
  readonly maxMessageBytes: number;
  /** Of one message. */
  readonly maxRecipients: number;
  /** For what holds whole messages. */
  readonly memory: MemoryShare;
  readonly searches: MailSearches;
}

/** Why a waiting command is to answer at once with what it has; it is the `reason` of the context's signal. */
export type EndReason =
  | 'client-gone'
  | 'server-stopping'
  | 'superseded'
  | 'policy-changed'
  | 'account-changed';

/** Who asks, with what, and by which rules. */
export interface CommandContext {
  readonly account: Account;
  readonly mailbox: Mailbox;
  /** As it was when the request came in. */
  readonly device: Device;
  readonly policy: EffectivePolicy;
  /** Of this request; it governs the whole answer. */
  readonly version: ProtocolVersion;
  readonly requestLine: RequestLine;
  readonly services: CommandServices;
  readonly clock: Clock;
  /** Aborted with an EndReason: whoever waits stops waiting and answers as at the end of its time. */
  readonly signal: AbortSignal;
  /** Logs with the connection's id, the user and the device. */
  readonly log: Logger;
}

interface CommandDefinition<Name extends string, Request, Result> {
  /** MS-ASHTTP, Command Codes; undefined for those that have none, and come by name only. */
  readonly name: Name;
  readonly code: number | undefined;
  /** Served without a policy key in force; a pending wipe still comes first. */
  readonly policy?: 'exempt';
  /** Tells a device of a pending wipe by itself. */
  readonly wipe?: 'exempt';
  /** Served to a device in quarantine, which has a mailbox of its own: nothing in it is its user's. */
  readonly quarantine?: 'served';
  /** Whether a request only tells what the device is, which one may that is blocked for not having told it. */
  readonly tells?: (request: Request) => boolean;
  /** The first version it is served in, and the last. */
  readonly since?: ProtocolVersion;
  readonly until?: ProtocolVersion;
  /** Whether a request may wait: it then ends an older one of the same device that does. */
  readonly waits?: (request: Request) => boolean;
  /** Reads the document; throws CommandError. */
  readonly read: (body: Element, line: RequestLine) => Request;
  /** Reads a request without a body; without this one it is refused. */
  readonly readEmpty?: (line: RequestLine) => Request;
  /** Reads an RFC 5322 message in place of a document, below 14.0. */
  readonly readMessage?: (raw: Uint8Array, line: RequestLine) => Request;
  readonly run: (request: Request, context: CommandContext) => Promise<Result>;
  /** Undefined is the empty answer: 200 without a body. */
  readonly write: (result: Result, line: RequestLine) => Element | undefined;
  /** Parts of a multipart answer (MS-ASCMD, MultiPart Response); undefined: it is not multipart. */
  readonly parts?: (result: Result) => readonly Uint8Array[] | undefined;
  /** What is answered in place of a document. */
  readonly file?: (result: Result) => FileAnswer;
  /** Whether the device starts from nothing: it is told again what this server speaks. */
  readonly startsOver?: (request: Request) => boolean;
}

/** A request as it came: a document, nothing, or a message. */
export type CommandBody =
  | { readonly kind: 'document'; readonly root: Element }
  | { readonly kind: 'empty' }
  | { readonly kind: 'message'; readonly raw: Uint8Array };

/** What a command says to a request. */
export interface CommandAnswer {
  readonly root: Element | undefined;
  readonly parts: readonly Uint8Array[] | undefined;
  readonly file: FileAnswer | undefined;
  readonly startsOver: boolean;
}

/** A request that was read; it holds nothing of the document it came in. */
export interface PreparedCommand {
  readonly mayWait: boolean;
  /** It only tells what the device is. */
  readonly tells: boolean;
  run(context: CommandContext): Promise<CommandAnswer>;
}

/** A command as the endpoint serves it. */
export interface ServableCommand<Name extends string = string>
  extends Pick<
    CommandDefinition<Name, unknown, unknown>,
    'name' | 'code' | 'policy' | 'wipe' | 'quarantine' | 'since' | 'until'
  > {
  /** Some of its requests only tell what the device is. */
  readonly mayTell: boolean;
  /** Below 14.0 its body is a message. */
  readonly takesMessage: boolean;
  /** Reads a request; throws CommandError. */
  prepare(body: CommandBody, line: RequestLine): PreparedCommand;
}

/** Defines a command by its beats: read, run, write. */
export function defineCommand<const Name extends string, Request, Result>(
  definition: CommandDefinition<Name, Request, Result>,
): ServableCommand<Name> {
  const { name, code, policy, wipe, quarantine, tells, since, until, waits, readMessage } = definition;
  return {
    name,
    code,
    ...(policy && { policy }),
    ...(wipe && { wipe }),
    ...(quarantine && { quarantine }),
    mayTell: tells !== undefined,
    ...(since && { since }),
    ...(until && { until }),
    takesMessage: readMessage !== undefined,
    prepare(body, line) {
      const request = readBody(definition, body, line);
      return {
        mayWait: waits?.(request) ?? false,
        tells: tells?.(request) ?? false,
        async run(context) {
          const result = await definition.run(request, context);
          return {
            root: definition.write(result, line),
            parts: definition.parts?.(result),
            file: definition.file?.(result),
            startsOver: definition.startsOver?.(request) ?? false,
          };
        },
      };
    },
  };
}

function readBody<Name extends string, Request, Result>(
  definition: CommandDefinition<Name, Request, Result>,
  body: CommandBody,
  line: RequestLine,
): Request {
  switch (body.kind) {
    case 'document':
      if (body.root.tag.name !== definition.name)
        throw new CommandError(CommonStatus.InvalidXML, 'another root');
      return definition.read(body.root, line);
    case 'empty':
      if (definition.readEmpty === undefined) throw new CommandError(CommonStatus.InvalidContent, 'no body');
      return definition.readEmpty(line);
    case 'message':
      if (definition.readMessage === undefined)
        throw new CommandError(CommonStatus.InvalidContent, 'no document');
      return definition.readMessage(body.raw, line);
  }
}
