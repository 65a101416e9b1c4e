import type { Directory } from '#directory/directory';
import type { DeviceTraces, TracedRequest, TraceSetting } from '#domain/device-trace';
import type { Devices } from '#domain/devices';
import { type DeviceId, type MailboxRef, mailboxOf } from '#domain/ids';
import type { AdminContext, AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { flagOf, numberOf, organizationOf, requiredText, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

interface Parts {
  readonly directory: Directory;
  readonly devices: Devices;
  readonly traces: DeviceTraces;
}

const defaultMinutes = 60;

/** deviceInsightOperations are the operations that show what a device does and holds; each look is in the log. */
export function deviceInsightOperations(parts: Parts): Readonly<Record<string, AdminOperation>> {
  return {
    'Mailstead.PutDeviceTrace': (input, context) => putDeviceTrace(parts, input, context),
    'Mailstead.GetDeviceTrace': (input) => getDeviceTrace(parts, input),
    'Mailstead.GetDeviceRecoveryPassword': (input, context) => getRecoveryPassword(parts, input, context),
  };
}

async function putDeviceTrace(parts: Parts, input: AdminInput, context: AdminContext): Promise<object> {
  const { traces } = parts;
  const { ref, id } = await deviceOf(parts, input);
  const by = textOf(input, 'RequestedBy');
  const isOn = flagOf(input, 'Enabled');
  const minutes = numberOf(input, 'Minutes') ?? defaultMinutes;
  const setting = isOn ? await traces.start(ref, id, { minutes, by }) : await traces.end(ref, id);
  const who = { by, user: ref.mailbox, device: id, requestId: context.requestId };
  if (isOn) context.log.info('device.trace.on', { ...who, minutes });
  else context.log.info('device.trace.off', who);
  return describeSetting(parts, ref, id, setting);
}

async function getDeviceTrace(parts: Parts, input: AdminInput): Promise<object> {
  const { ref, id } = await deviceOf(parts, input);
  const list = ['device-trace', ref.organization, ref.mailbox, id] as const;
  const { after, limit } = pageAsked(input, ...list);
  const { rows, next } = await parts.traces.read(ref, id, after, limit);
  return {
    ...describeSetting(parts, ref, id, parts.traces.settingOf(ref, id)),
    Requests: rows.map(describeRequest),
    NextToken: nextToken(next, ...list),
  };
}

async function getRecoveryPassword(
  parts: Parts,
  input: AdminInput,
  { log, requestId }: AdminContext,
): Promise<object> {
  const { ref, id } = await deviceOf(parts, input);
  const { recoveryPassword } = await parts.devices.get(ref, id);
  const by = textOf(input, 'RequestedBy');
  const hadOne = recoveryPassword !== undefined;
  log.info('device.recovery-password.shown', { by, user: ref.mailbox, device: id, hadOne, requestId });
  return { RecoveryPassword: recoveryPassword?.password, SetTime: timestamp(recoveryPassword?.setMs) };
}

/** Throws entity/not-found, device/not-found. */
async function deviceOf(
  { directory, devices }: Parts,
  input: AdminInput,
): Promise<{ readonly ref: MailboxRef; readonly id: DeviceId }> {
  const organization = organizationOf(input);
  const { id: user } = await directory.describeUser(organization, requiredText(input, 'UserId'));
  const ref = { organization, mailbox: mailboxOf(user) };
  const { id } = await devices.get(ref, requiredText(input, 'DeviceId').toLowerCase() as DeviceId);
  return { ref, id };
}

function describeSetting(
  { traces }: Parts,
  ref: MailboxRef,
  id: DeviceId,
  setting: TraceSetting | undefined,
): object {
  return {
    Enabled: traces.isOn(ref, id),
    StartTime: timestamp(setting?.sinceMs),
    EndTime: timestamp(setting?.untilMs),
    RequestedBy: setting?.by,
  };
}

function describeRequest(traced: TracedRequest): object {
  return {
    Time: timestamp(traced.atMs),
    DurationMs: traced.durationMs,
    WaitedMs: traced.waitedMs,
    Command: traced.command,
    ProtocolVersion: traced.version,
    HttpStatus: traced.httpStatus,
    Error: traced.error,
    Missed: traced.missed,
    Url: traced.url,
    RequestHeaders: Object.fromEntries(traced.requestHeaders),
    Request: traced.request,
    AnswerHeaders: Object.fromEntries(traced.answerHeaders),
    Answer: traced.answer,
  };
}
