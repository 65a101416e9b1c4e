import type { AutomaticReply, ReplyText } from '#domain/automatic-reply';
import { DomainError } from '#domain/errors';
import { htmlToText, textToHtml } from '#mime/html';
import { dateTime, parseDateTime } from '../../classes/date-time.ts';
import type { CommandContext } from '../../command.ts';
import { isAtLeast } from '../../protocol-version.ts';
import type { Tag } from '../../wbxml/code-page.ts';
import { Settings } from '../../wbxml/code-pages/settings.ts';
import { child, childrenOf, type Element, el, flagOf, has, text, textOf } from '../../wbxml/element.ts';
import { SettingsStatus } from './status.ts';

/** MS-ASCMD, Oof (Settings): what is asked for, or the status that refuses it. */
export type OofRequest =
  | { readonly kind: 'get'; readonly bodyType: ReplyText['bodyType'] }
  | { readonly kind: 'set'; readonly change: OofChange }
  | { readonly kind: 'refused'; readonly status: number };

/** What a Set says; what it leaves out stays as it is. */
interface OofChange {
  readonly state: AutomaticReply['state'] | undefined;
  readonly times: { readonly startMs: number; readonly endMs: number } | undefined;
  readonly internal: AudienceChange;
  readonly known: AudienceChange;
  readonly unknown: AudienceChange;
}

interface AudienceChange {
  readonly isEnabled?: boolean | undefined;
  readonly reply?: ReplyText | undefined;
}

type Audience = 'internal' | 'known' | 'unknown';

/** MS-ASCMD, OofState, by its number. */
const states = ['DISABLED', 'ENABLED', 'SCHEDULED'] as const;
const audienceTags: readonly (readonly [Tag, Audience])[] = [
  [Settings.AppliesToInternal, 'internal'],
  [Settings.AppliesToExternalKnown, 'known'],
  [Settings.AppliesToExternalUnknown, 'unknown'],
];

/** The node cannot be done as it stands. */
class OofError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads the node. */
export function readOof(node: Element): OofRequest {
  const [get, set] = [child(node, Settings.Get), child(node, Settings.Set)];
  if ((get === undefined) === (set === undefined)) return refused(SettingsStatus.ProtocolError);
  try {
    if (set !== undefined) return { kind: 'set', change: readSet(set) };
    const bodyType = bodyTypeOf(get);
    if (bodyType === undefined) return refused(SettingsStatus.ProtocolError);
    return { kind: 'get', bodyType };
  } catch (error) {
    if (error instanceof OofError) return refused(error.status);
    throw error;
  }
}

function refused(status: number): OofRequest {
  return { kind: 'refused', status };
}

function readSet(set: Element): OofChange {
  const state = stateOf(set);
  const times = timesOf(set);
  if (state === 'SCHEDULED' && times === undefined) {
    throw new OofError(SettingsStatus.ProtocolError, 'a scheduled reply without its times');
  }
  const audiences = new Map<Audience, AudienceChange>();
  for (const message of childrenOf(set, Settings.OofMessage)) {
    const named = audienceTags.filter(([tag]) => has(message, tag)).map(([, audience]) => audience);
    if (named.length === 0 || named.some((audience) => audiences.has(audience))) {
      throw new OofError(SettingsStatus.ProtocolError, 'a message for nobody, or a second one for somebody');
    }
    const change = readMessage(message);
    for (const audience of named) audiences.set(audience, change);
  }
  const [internal = {}, known = {}, unknown = {}] = (['internal', 'known', 'unknown'] as const).map(
    (audience) => audiences.get(audience),
  );
  return { state, times, internal, known, unknown };
}

function stateOf(set: Element): OofChange['state'] {
  const sent = textOf(set, Settings.OofState)?.trim();
  if (sent === undefined) return undefined;
  const state = /^[012]$/.test(sent) ? states[Number(sent)] : undefined;
  if (state === undefined) throw new OofError(SettingsStatus.InvalidArguments, 'no OofState');
  return state;
}

/** MS-ASCMD, StartTime (Oof): both or neither. */
function timesOf(set: Element): OofChange['times'] {
  const [start, end] = [textOf(set, Settings.StartTime), textOf(set, Settings.EndTime)];
  if (start === undefined && end === undefined) return undefined;
  if (start === undefined || end === undefined) {
    throw new OofError(SettingsStatus.ProtocolError, 'one time without the other');
  }
  const [startMs, endMs] = [parseDateTime(start), parseDateTime(end)];
  if (startMs === undefined || endMs === undefined) {
    throw new OofError(SettingsStatus.InvalidArguments, 'no time');
  }
  return { startMs, endMs };
}

function readMessage(message: Element): AudienceChange {
  const reply = child(message, Settings.ReplyMessage);
  return {
    isEnabled: flagOf(message, Settings.Enabled),
    // Who leaves the type out means text.
    reply: reply && { message: text(reply), bodyType: bodyTypeOf(message) ?? 'Text' },
  };
}

function bodyTypeOf(parent: Element | undefined): ReplyText['bodyType'] | undefined {
  const sent = textOf(parent, Settings.BodyType)?.trim().toLowerCase() ?? '';
  if (sent === '') return undefined;
  if (sent === 'html') return 'HTML';
  if (sent === 'text') return 'Text';
  throw new OofError(SettingsStatus.InvalidArguments, 'another BodyType');
}

/** Does what the node asks for, and answers it. */
export async function runOof(request: OofRequest, context: CommandContext): Promise<Element> {
  const { services, mailbox, version } = context;
  switch (request.kind) {
    case 'get': {
      const reply = await services.preferences.automaticReply(mailbox.ref);
      // Exchange of 16.1 gives no internal text while the reply is off; phones of that version expect none.
      const hasInternalText = !(isAtLeast(version, '16.1') && reply.state === 'DISABLED');
      return writeGet(reply, request.bodyType, hasInternalText);
    }
    case 'set':
      return withStatus(await put(request.change, context));
    case 'refused':
      return withStatus(request.status);
  }
}

async function put(change: OofChange, { services, mailbox }: CommandContext): Promise<number> {
  const { times } = change;
  if (change.state === 'SCHEDULED' && times !== undefined && times.endMs <= times.startMs) {
    return SettingsStatus.ConflictingArguments;
  }
  try {
    await services.preferences.changeAutomaticReply(mailbox.ref, (before) => changed(before, change));
    return SettingsStatus.Success;
  } catch (error) {
    const isTheirs = error instanceof DomainError && error.code === 'request/invalid';
    if (isTheirs) return SettingsStatus.InvalidArguments;
    throw error;
  }
}

/** The reply with what a Set says of it. */
function changed(before: AutomaticReply, change: OofChange): AutomaticReply {
  const { internal, known, unknown, times } = change;
  return {
    ...before,
    ...times,
    state: change.state ?? before.state,
    internal: internal.reply ?? before.internal,
    isInternalEnabled: internal.isEnabled ?? before.isInternalEnabled,
    external: externalText(known, unknown) ?? before.external,
    externalAudience: audienceOf(before, known, unknown),
  };
}

/** As with Exchange there is one text for all outside: that of who is answered, of those known if both are. */
function externalText(known: AudienceChange, unknown: AudienceChange): ReplyText | undefined {
  const answered = [known, unknown].find(({ isEnabled, reply }) => isEnabled === true && reply !== undefined);
  return (answered ?? (known.reply === undefined ? unknown : known)).reply;
}

function audienceOf(
  { externalAudience }: AutomaticReply,
  known: AudienceChange,
  unknown: AudienceChange,
): AutomaticReply['externalAudience'] {
  if (unknown.isEnabled ?? externalAudience === 'ALL') return 'ALL';
  return (known.isEnabled ?? externalAudience !== 'NONE') ? 'KNOWN' : 'NONE';
}

/** MS-ASCMD, OofMessage: always three, one for each audience. */
function writeGet(reply: AutomaticReply, bodyType: ReplyText['bodyType'], hasInternalText: boolean): Element {
  const { state, startMs, endMs, internal, external, externalAudience } = reply;
  const hasTimes = state === 'SCHEDULED' && startMs !== undefined && endMs !== undefined;
  const message = (audience: Tag, isEnabled: boolean, told: ReplyText | undefined) =>
    el(
      Settings.OofMessage,
      el(audience),
      el(Settings.Enabled, isEnabled),
      ...(told === undefined
        ? []
        : [el(Settings.ReplyMessage, asType(told, bodyType)), el(Settings.BodyType, bodyType)]),
    );
  return el(
    Settings.Oof,
    el(Settings.Status, SettingsStatus.Success),
    el(
      Settings.Get,
      el(Settings.OofState, states.indexOf(state)),
      ...(hasTimes ? [el(Settings.StartTime, dateTime(startMs)), el(Settings.EndTime, dateTime(endMs))] : []),
      message(Settings.AppliesToInternal, reply.isInternalEnabled, hasInternalText ? internal : undefined),
      message(Settings.AppliesToExternalKnown, externalAudience !== 'NONE', external),
      message(Settings.AppliesToExternalUnknown, externalAudience === 'ALL', external),
    ),
  );
}

function asType({ message, bodyType }: ReplyText, wanted: ReplyText['bodyType']): string {
  if (bodyType === wanted || message === '') return message;
  return wanted === 'HTML' ? textToHtml(message) : htmlToText(message);
}

function withStatus(status: number): Element {
  return el(Settings.Oof, el(Settings.Status, status));
}
