import type { Account } from '#directory/account';
import type { DeviceId, MailboxId, OrganizationId } from '#domain/ids';
import type { PolicyChange } from '#domain/policy';
import type { EndReason } from './command.ts';

/** A request that may wait. */
interface Hanging {
  readonly account: Account;
  readonly device: DeviceId;
  /** The client's. */
  readonly address: string;
  readonly controller: AbortController;
}

/** The requests that wait (Ping, and Sync with Wait): at most one for each device, so that all can be ended at once. */
export class HangingRequests {
  readonly #byDevice = new Map<string, Hanging>();
  #isStopping = false;

  /** How many wait now. */
  get size(): number {
    return this.#byDevice.size;
  }

  /** Enters a request and ends an older one of the same device; the returned function takes it out again. */
  begin(hanging: Hanging): () => void {
    const key = `${hanging.account.entity}/${hanging.device}`;
    end(this.#byDevice.get(key), 'superseded');
    this.#byDevice.set(key, hanging);
    if (this.#isStopping) end(hanging, 'server-stopping');
    return () => {
      if (this.#byDevice.get(key) === hanging) this.#byDevice.delete(key);
    };
  }

  /** Ends the requests of whoever a change of rules concerns. */
  rulesChanged({ organization, mailbox, device }: PolicyChange): void {
    for (const hanging of this.#byDevice.values()) {
      const concerned =
        hanging.account.organization === organization &&
        (mailbox === undefined || hanging.account.mailbox.mailbox === mailbox) &&
        (device === undefined || hanging.device === device);
      if (concerned) end(hanging, 'policy-changed');
    }
  }

  /** Ends the requests on a mailbox whose owner has to sign in again. */
  accountChanged(mailbox: MailboxId): void {
    for (const hanging of this.#byDevice.values()) {
      if (hanging.account.mailbox.mailbox === mailbox) end(hanging, 'account-changed');
    }
  }

  /** Ends the requests of an organisation whose clients may not ask any more. */
  async accessChanged(
    organization: OrganizationId,
    isAllowed: (account: Account, address: string) => Promise<boolean>,
  ): Promise<void> {
    for (const hanging of this.#byDevice.values()) {
      const { account, address } = hanging;
      if (account.organization !== organization || (await isAllowed(account, address))) continue;
      end(hanging, 'account-changed');
    }
  }

  /** Ends all of them, and every one that still comes. */
  stop(): void {
    this.#isStopping = true;
    for (const hanging of this.#byDevice.values()) end(hanging, 'server-stopping');
  }
}

function end(hanging: Hanging | undefined, reason: EndReason): void {
  hanging?.controller.abort(reason);
}
