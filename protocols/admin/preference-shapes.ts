import { closedStructure } from './closed-structure.ts';
import type { Model, Shape } from './shape.ts';

const user = { OrganizationId: 'OrganizationId', UserId: 'EntityIdentifier' };

/** preferenceShapes are the inputs of the operations on automatic replies and rules. */
export const preferenceShapes: Readonly<Record<string, Shape>> = {
  ReplyMessage: { type: 'string', max: 32_768 },
  ReplyBodyType: { type: 'string', enum: ['TEXT', 'HTML'] },
  ReplyState: { type: 'string', enum: ['DISABLED', 'ENABLED', 'SCHEDULED'] },
  ReplyAudience: { type: 'string', enum: ['NONE', 'KNOWN', 'ALL'] },
  ReplyTime: { type: 'timestamp' },
  PreferenceOwner: closedStructure(user, ['OrganizationId', 'UserId']),
  PutAutomaticReplyRequest: closedStructure(
    {
      ...user,
      State: 'ReplyState',
      StartTime: 'ReplyTime',
      EndTime: 'ReplyTime',
      InternalMessage: 'ReplyMessage',
      InternalBodyType: 'ReplyBodyType',
      InternalEnabled: 'Boolean',
      ExternalMessage: 'ReplyMessage',
      ExternalBodyType: 'ReplyBodyType',
      ExternalAudience: 'ReplyAudience',
    },
    ['OrganizationId', 'UserId', 'State'],
  ),
  RuleName: { type: 'string', min: 1, max: 256 },
  RuleText: { type: 'string', min: 1, max: 256 },
  RuleTexts: { type: 'list', member: { shape: 'RuleText' }, max: 50 },
  RuleImportance: { type: 'string', enum: ['LOW', 'NORMAL', 'HIGH'] },
  RuleBytes: { type: 'long', min: 0 },
  RuleAddress: { type: 'string', min: 3, max: 320 },
  RuleAddresses: { type: 'list', member: { shape: 'RuleAddress' }, max: 10 },
  RuleFolder: { type: 'string', min: 1, max: 1024 },
  RuleConditions: closedStructure({
    FromContains: 'RuleTexts',
    RecipientContains: 'RuleTexts',
    ToContains: 'RuleTexts',
    CcContains: 'RuleTexts',
    SubjectContains: 'RuleTexts',
    BodyContains: 'RuleTexts',
    ListIdContains: 'RuleTexts',
    HasAttachment: 'Boolean',
    Importance: 'RuleImportance',
    SizeOver: 'RuleBytes',
    SizeUnder: 'RuleBytes',
    SentToMe: 'Boolean',
    SentOnlyToMe: 'Boolean',
  }),
  RuleActions: closedStructure({
    MoveToFolder: 'RuleFolder',
    Delete: 'Boolean',
    MarkAsRead: 'Boolean',
    ForwardTo: 'RuleAddresses',
    RedirectTo: 'RuleAddresses',
  }),
  MailRule: closedStructure(
    {
      Name: 'RuleName',
      Enabled: 'Boolean',
      Conditions: 'RuleConditions',
      Exceptions: 'RuleConditions',
      Actions: 'RuleActions',
      StopProcessing: 'Boolean',
    },
    ['Name', 'Actions'],
  ),
  MailRules: { type: 'list', member: { shape: 'MailRule' }, max: 200 },
  PutMailRulesRequest: closedStructure({ ...user, Rules: 'MailRules' }, [
    'OrganizationId',
    'UserId',
    'Rules',
  ]),
};

/** preferenceOperations are those operations. */
export const preferenceOperations: Model['operations'] = {
  GetAutomaticReply: { input: { shape: 'PreferenceOwner' } },
  PutAutomaticReply: { input: { shape: 'PutAutomaticReplyRequest' } },
  GetMailRules: { input: { shape: 'PreferenceOwner' } },
  PutMailRules: { input: { shape: 'PutMailRulesRequest' } },
};
