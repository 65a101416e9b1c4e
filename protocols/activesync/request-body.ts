import type { IncomingMessage } from 'node:http';
import type { Call } from './call.ts';
import type { CommandBody, ServableCommand } from './command.ts';
import { CommandError } from './command-error.ts';
import { commands } from './commands/index.ts';
import { isAtLeast } from './protocol-version.ts';
import type { RequestLine } from './request-line.ts';
import type { RequestRecord } from './request-record.ts';
import { CommonStatus } from './status.ts';
import { decode } from './wbxml/decode.ts';

/** The command of a request; throws 137 for one that is not served, or not in this version. */
export function commandOf({ command: name, protocolVersion }: RequestLine): ServableCommand {
  const command = Object.hasOwn(commands, name) ? commands[name as keyof typeof commands] : undefined;
  const { since, until } = command ?? {};
  const isServed =
    (since === undefined || isAtLeast(protocolVersion, since)) &&
    (until === undefined || isAtLeast(until, protocolVersion));
  if (command !== undefined && isServed) return command;
  throw new CommandError(CommonStatus.CommandNotSupported, `command ${name.slice(0, 40)}`);
}

/** What a request brings: a document, a message or nothing. Throws CommandError and WbxmlContentError. */
export function bodyOf(
  raw: Buffer,
  command: ServableCommand,
  request: IncomingMessage,
  call: Call,
): CommandBody {
  if (raw.length === 0) return { kind: 'empty' };
  const isDocument = raw[0] !== undefined && raw[0] <= 0x03 && raw[1] === 0x01;
  if (command.takesMessage && !isAtLeast(call.version, '14.0')) {
    if (!isDocument) {
      call.record.gotMessage(raw);
      return { kind: 'message', raw };
    }
    throw new CommandError(CommonStatus.InvalidContent, 'a document in place of a message');
  }
  const type = request.headers['content-type'] ?? '';
  if (!isDocument && type !== '' && !type.toLowerCase().includes('vnd.ms-sync')) {
    call.record.undecodable(raw, undefined);
    throw new CommandError(CommonStatus.InvalidContent, 'no document');
  }
  const { root, skipped } = decoded(raw, call.record);
  call.record.decoded(root);
  if (skipped.length > 0) {
    const tags = skipped.map(({ page, token }) => `${page}:0x${token.toString(16)}`).join(' ');
    call.log.info('activesync.body.unknown', { command: command.name, tags });
  }
  return { kind: 'document', root };
}

function decoded(raw: Buffer, record: RequestRecord): ReturnType<typeof decode> {
  try {
    return decode(raw, { maxBytes: raw.length });
  } catch (error) {
    record.undecodable(raw, error);
    throw error;
  }
}
