import { DomainError } from '#domain/errors';
import type { OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';
import type { PageOf } from '#domain/ports';
import { entityOf } from './decide-entity.ts';
import { activeOrganization, madeBefore, rememberToken } from './decide-organization.ts';
import type { ExportJob, ExportRequest } from './kept.ts';
import type { DirectoryStore, DirectoryTx } from './ports.ts';
import { hasMailbox } from './user.ts';

const dayMs = 24 * 60 * 60 * 1000;
const keepMs = 7 * dayMs;
/** More than one start leaves behind: they are fewer each time. */
const forgottenAtOnce = 100;

/**
 * MailboxExports keeps jobs that export mailboxes to S3, which there is none of here: each has failed as soon as it is made, and says
 * so. Every refusal is a DomainError; an operation throws organization/not-found and organization/state.
 */
export class MailboxExports {
  readonly #store: DirectoryStore;
  readonly #outside: Outside;

  constructor(store: DirectoryStore, outside: Outside) {
    this.#store = store;
    this.#outside = outside;
  }

  /**
   * Makes a job for the mailbox of an entity, by id, address or name, and gives its id; a client token that was used for the same gives
   * the one it made. Throws entity/not-found for one without a mailbox, limit/exceeded for a second one in 24 hours.
   */
  start(
    organization: OrganizationId,
    entity: string,
    wanted: ExportRequest,
    clientToken: string,
  ): Promise<string> {
    const nowMs = this.#outside.clock.now();
    const id = uuid7(nowMs, this.#outside.random.bytes(10));
    return this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const request = JSON.stringify(['StartMailboxExportJob', entity, wanted]);
      const made = await madeBefore(tx, organization, clientToken, request, nowMs);
      if (made !== undefined) return made;
      const owner = await entityOf(tx, organization, entity);
      if (!hasMailbox(owner) || owner.state === 'DELETED' || owner.mailboxProvisionedMs === undefined) {
        throw new DomainError('entity/not-found', 'The entity has no mailbox.');
      }
      const last = await tx.kept(organization, 'lastExport', owner.id);
      if (last !== undefined && nowMs - last.startedMs < dayMs) {
        throw new DomainError('limit/exceeded', 'A mailbox may be exported once in 24 hours.');
      }
      await forgetOld(tx, organization, nowMs);
      tx.putKept(organization, 'lastExport', owner.id, { startedMs: nowMs });
      tx.putKept(organization, 'exportJob', id, {
        ...wanted,
        id,
        entity: owner.id,
        state: 'FAILED',
        errorInfo: 'This server does not export to Amazon S3.',
        startedMs: nowMs,
        endedMs: nowMs,
      });
      rememberToken(tx, organization, clientToken, { request, result: id, usedMs: nowMs });
      return id;
    });
  }

  /**
   * A job has ended as soon as it is made, and stays as it is; false if there is none. Throws request/invalid for a client token that
   * was used for another request.
   */
  cancel(organization: OrganizationId, id: string, clientToken: string): Promise<boolean> {
    const nowMs = this.#outside.clock.now();
    // The token that began the job may be given to cancel it.
    const token = `CancelMailboxExportJob ${clientToken}`;
    return this.#store.transact(organization, async (tx) => {
      await activeOrganization(tx, organization);
      const request = JSON.stringify(['CancelMailboxExportJob', id]);
      if ((await madeBefore(tx, organization, token, request, nowMs)) !== undefined) return true;
      if ((await tx.kept(organization, 'exportJob', id)) === undefined) return false;
      rememberToken(tx, organization, token, { request, result: id, usedMs: nowMs });
      return true;
    });
  }

  /** Undefined if there is none. */
  async find(organization: OrganizationId, id: string): Promise<ExportJob | undefined> {
    await activeOrganization(this.#store, organization);
    return this.#store.kept(organization, 'exportJob', id);
  }

  /** Those of the last seven days, the oldest first. */
  async list(
    organization: OrganizationId,
    after: string | undefined,
    limit: number,
  ): Promise<PageOf<ExportJob, string>> {
    await activeOrganization(this.#store, organization);
    const oldest = timePrefix(this.#outside.clock.now() - keepMs);
    const from = after === undefined || after < oldest ? oldest : after;
    return this.#store.keptPage(organization, 'exportJob', from, limit);
  }
}

async function forgetOld(tx: DirectoryTx, organization: OrganizationId, nowMs: number): Promise<void> {
  const { rows } = await tx.keptPage(organization, 'exportJob', undefined, forgottenAtOnce);
  for (const { id, startedMs } of rows) {
    if (startedMs < nowMs - keepMs) tx.deleteKept(organization, 'exportJob', id);
  }
}

/** RFC 9562 §5.7: it begins with the time. */
function uuid7(nowMs: number, random: Uint8Array): string {
  const rest = Buffer.from(random);
  rest[0] = ((rest[0] ?? 0) & 0x0f) | 0x70;
  rest[2] = ((rest[2] ?? 0) & 0x3f) | 0x80;
  const digits = rest.toString('hex');
  return `${timePrefix(nowMs)}-${digits.slice(0, 4)}-${digits.slice(4, 8)}-${digits.slice(8)}`;
}

/** What ids made at a time begin with. */
function timePrefix(ms: number): string {
  return ms
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-');
}
