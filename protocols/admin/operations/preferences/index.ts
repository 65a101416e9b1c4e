import type { Directory } from '#directory/directory';
import type { AutomaticReply, ReplyText } from '#domain/automatic-reply';
import { DomainError } from '#domain/errors';
import { type MailboxRef, mailboxOf } from '#domain/ids';
import { conditionNames, type RuleConditions } from '#domain/mail-rule';
import type { GivenMailRule } from '#domain/mail-rule-check';
import type { MailboxPreferences } from '#domain/mailbox-preferences';
import { ownAddress } from '#domain/own-address';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import {
  flagOf,
  numberOf,
  organizationOf,
  requiredText,
  structureOf,
  structuresOf,
  textOf,
  timestamp,
} from '../input.ts';

interface Parts {
  readonly directory: Directory;
  readonly preferences: MailboxPreferences;
}

/** preferenceOperations are the operations on a user's automatic reply and rules. */
export function preferenceOperations(parts: Parts): Readonly<Record<string, AdminOperation>> {
  const { preferences } = parts;
  return {
    'Mailstead.GetAutomaticReply': async (input) =>
      describeReply(await preferences.automaticReply((await ownerOf(parts, input)).ref)),
    'Mailstead.PutAutomaticReply': async (input) =>
      describeReply(await preferences.putAutomaticReply((await ownerOf(parts, input)).ref, replyOf(input))),
    'Mailstead.GetMailRules': async (input) =>
      describeRules(await preferences.mailRules((await ownerOf(parts, input)).ref)),
    'Mailstead.PutMailRules': async (input) => {
      const { ref, isOwn } = await ownerOf(parts, input);
      return describeRules(
        await preferences.putMailRules(ref, structuresOf(input, 'Rules').map(ruleOf), isOwn),
      );
    },
  };
}

/** Also of a user who is disabled. Throws entity/not-found, entity/state for one who is deleted. */
async function ownerOf(
  { directory }: Parts,
  input: AdminInput,
): Promise<{ readonly ref: MailboxRef; readonly isOwn: (address: string) => boolean }> {
  const organization = organizationOf(input);
  const { id, addresses, state } = await directory.describeUser(organization, requiredText(input, 'UserId'));
  if (state === 'DELETED') throw new DomainError('entity/state', 'The user is deleted.');
  return { ref: { organization, mailbox: mailboxOf(id) }, isOwn: ownAddress({ addresses }) };
}

function replyOf(input: AdminInput): AutomaticReply {
  return {
    state: requiredText(input, 'State') as AutomaticReply['state'],
    startMs: milliseconds(numberOf(input, 'StartTime')),
    endMs: milliseconds(numberOf(input, 'EndTime')),
    internal: messageOf(input, 'Internal'),
    isInternalEnabled: input['InternalEnabled'] !== false,
    external: messageOf(input, 'External'),
    externalAudience: (textOf(input, 'ExternalAudience') ?? 'NONE') as AutomaticReply['externalAudience'],
  };
}

function messageOf(input: AdminInput, audience: string): ReplyText {
  return {
    message: textOf(input, `${audience}Message`) ?? '',
    bodyType: textOf(input, `${audience}BodyType`) === 'HTML' ? 'HTML' : 'Text',
  };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
}

function describeReply(reply: AutomaticReply): object {
  return {
    State: reply.state,
    StartTime: timestamp(reply.startMs),
    EndTime: timestamp(reply.endMs),
    InternalMessage: reply.internal.message,
    InternalBodyType: reply.internal.bodyType.toUpperCase(),
    InternalEnabled: reply.isInternalEnabled,
    ExternalMessage: reply.external.message,
    ExternalBodyType: reply.external.bodyType.toUpperCase(),
    ExternalAudience: reply.externalAudience,
  };
}

function ruleOf(input: AdminInput): GivenMailRule {
  const actions = structureOf(input, 'Actions');
  return {
    name: requiredText(input, 'Name'),
    enabled: input['Enabled'] !== false,
    conditions: conditionsOf(structureOf(input, 'Conditions')),
    exceptions: conditionsOf(structureOf(input, 'Exceptions')),
    actions: {
      moveToFolder: textOf(actions, 'MoveToFolder'),
      delete: flagOf(actions, 'Delete'),
      markAsRead: flagOf(actions, 'MarkAsRead'),
      forwardTo: addressesOf(actions, 'ForwardTo'),
      redirectTo: addressesOf(actions, 'RedirectTo'),
    },
    stopProcessing: flagOf(input, 'StopProcessing'),
  };
}

/** The model has checked what each one is. */
function conditionsOf(input: AdminInput): RuleConditions {
  return Object.fromEntries(
    conditionNames.flatMap((name) => {
      const wanted = input[apiNameOf(name)];
      return wanted === undefined ? [] : [[name, wanted]];
    }),
  );
}

function addressesOf(input: AdminInput, member: string): readonly string[] {
  const list = input[member];
  return Array.isArray(list) ? list.map(String) : [];
}

function describeRules(rules: readonly GivenMailRule[]): object {
  return { Rules: rules.map(describeRule) };
}

/** What a rule does not say is left out, so that an answer can be edited and put again. */
function describeRule({ name, enabled, conditions, exceptions, actions, stopProcessing }: GivenMailRule) {
  const { moveToFolder, delete: isDeleted, markAsRead, forwardTo = [], redirectTo = [] } = actions;
  return {
    Name: name,
    Enabled: enabled,
    Conditions: describeConditions(conditions),
    Exceptions: describeConditions(exceptions),
    Actions: {
      MoveToFolder: moveToFolder,
      ...(isDeleted && { Delete: true }),
      ...(markAsRead && { MarkAsRead: true }),
      ...(forwardTo.length > 0 && { ForwardTo: forwardTo }),
      ...(redirectTo.length > 0 && { RedirectTo: redirectTo }),
    },
    StopProcessing: stopProcessing,
  };
}

function describeConditions(conditions: RuleConditions): object {
  return Object.fromEntries(
    conditionNames.flatMap((name) =>
      conditions[name] === undefined ? [] : [[apiNameOf(name), conditions[name]]],
    ),
  );
}

function apiNameOf(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}
