/** What is kept of an organisation beside who there is, as it is stored; what acts on it stands with each kind. */
import type { EntityId, OrganizationId } from '#domain/ids';
import type { Condition } from './access-control-rule.ts';

/** ImpersonationRule lets a role be, or not be, some of the users; without any it is about all of them. */
export interface ImpersonationRule {
  /** Its own within the role. */
  readonly id: string;
  readonly name: string | undefined;
  readonly description: string | undefined;
  readonly effect: 'ALLOW' | 'DENY';
  readonly users: Condition<EntityId>;
}

/** What of a role is given when it is made or replaced. */
export interface ImpersonationRoleContent {
  readonly name: string;
  readonly type: 'FULL_ACCESS' | 'READ_ONLY';
  readonly description: string | undefined;
  readonly rules: readonly ImpersonationRule[];
}

/** ImpersonationRole is what a program may be other users by. */
export interface ImpersonationRole extends ImpersonationRoleContent {
  readonly id: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
}

/** The tokens of a role that are not over, the oldest first. */
export interface ImpersonationTokens {
  /** SHA-256, and when it is over. */
  readonly tokens: readonly (readonly [hash: Uint8Array, expiresMs: number])[];
}

/** PersonalToken is what a user signs in with in place of the password. */
export interface PersonalToken {
  /** 32 hex digits. */
  readonly id: string;
  readonly user: EntityId;
  readonly name: string;
  /** SHA-256 of it. */
  readonly hash: Uint8Array;
  readonly createdMs: number;
  /** Within the last hour of its use. */
  readonly lastUsedMs: number | undefined;
  readonly expiresMs: number;
}

/** IdentityCenterApplication is what stands for this server at an identity provider. */
export interface IdentityCenterApplication {
  readonly arn: string;
  readonly name: string;
  readonly instanceArn: string;
  /** Who uses it. */
  readonly organization: OrganizationId | undefined;
}

/** IdentityProvider is how users of an organisation sign in beside passwords, or in place of them. */
export interface IdentityProvider {
  readonly mode: 'IDENTITY_PROVIDER_ONLY' | 'IDENTITY_PROVIDER_AND_DIRECTORY';
  readonly instanceArn: string;
  readonly applicationArn: string;
  readonly tokens: 'ACTIVE' | 'INACTIVE';
  /** Of tokens that are made without one. */
  readonly lifetimeDays: number | undefined;
}

/** AvailabilityConfiguration is who knows when people of another domain are free. */
export interface AvailabilityConfiguration {
  /** In canonical form. */
  readonly domain: string;
  readonly provider: AvailabilityProvider;
  readonly createdMs: number;
  readonly modifiedMs: number;
}

export type AvailabilityProvider =
  | { readonly kind: 'EWS'; readonly endpoint: string; readonly username: string; readonly password: string }
  | { readonly kind: 'LAMBDA'; readonly arn: string };

/** EmailMonitoring is where an organisation wants its log of mail. */
export interface EmailMonitoring {
  readonly roleArn: string | undefined;
  readonly logGroupArn: string;
}

/** ExportRequest is what is asked when a mailbox is to be exported. */
export interface ExportRequest {
  readonly description: string | undefined;
  readonly roleArn: string;
  readonly kmsKeyArn: string;
  readonly bucket: string;
  readonly prefix: string;
}

/** ExportJob is the export of a mailbox, and how it ended. */
export interface ExportJob extends ExportRequest {
  /** A UUID of version 7: they sort by when they were made. */
  readonly id: string;
  readonly entity: EntityId;
  readonly state: 'FAILED';
  readonly errorInfo: string;
  readonly startedMs: number;
  readonly endedMs: number;
}

export type RetentionFolder = 'INBOX' | 'DELETED_ITEMS' | 'SENT_ITEMS' | 'DRAFTS' | 'JUNK_EMAIL';

/** RetentionRule says what becomes of mail that has lain in a folder for so long. */
export interface RetentionRule {
  readonly folder: RetentionFolder;
  /** DELETE: into Deleted Items, and from there for good. */
  readonly action: 'NONE' | 'DELETE' | 'PERMANENTLY_DELETE';
  /** Undefined only for NONE. */
  readonly periodDays: number | undefined;
}

/** RetentionPolicy is how long mail of an organisation is kept. */
export interface RetentionPolicy {
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly rules: readonly RetentionRule[];
}

/** Kept is every kind of it, by the name it is asked for. */
export interface Kept {
  /** By its id. */
  readonly impersonationRole: ImpersonationRole;
  /** By the role's id. */
  readonly impersonationTokens: ImpersonationTokens;
  /** By its id. */
  readonly personalToken: PersonalToken;
  /** By a user's id: those of its tokens, the oldest first. */
  readonly tokensOf: { readonly ids: readonly string[] };
  /** Of the installation; by its ARN. */
  readonly identityCenterApplication: IdentityCenterApplication;
  /** There is one, its id is empty. */
  readonly identityProvider: IdentityProvider;
  /** By its domain. */
  readonly availability: AvailabilityConfiguration;
  /** There is one, its id is empty. */
  readonly emailMonitoring: EmailMonitoring;
  /** By its id. */
  readonly exportJob: ExportJob;
  /** By the id of whose mailbox it is: when its last export began. */
  readonly lastExport: { readonly startedMs: number };
  /** There is one, its id here is empty. */
  readonly retentionPolicy: RetentionPolicy;
}

export type KeptKind = keyof Kept;

/** Kinds that are listed; jobs in the order of their ids. */
export type ListedKind = 'impersonationRole' | 'personalToken' | 'availability' | 'exportJob';
