import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { DomainError } from '#domain/errors';
import type { EntityId, MailboxRef } from '#domain/ids';
import type { Clock } from '#domain/outside';
import type { Account } from './account.ts';
import { canonicalName } from './canonical-name.ts';
import type { Directory } from './directory.ts';
import { accountOf } from './lookups.ts';
import { argon2id, type PasswordHasher } from './password.ts';
import type { PersonalTokens } from './personal-tokens.ts';
import { RecentMap } from './recent-map.ts';
import { Slots } from './slots.ts';
import { clientOf, Throttle } from './throttle.ts';
import type { User } from './user.ts';

/** SignInThrottled is the DomainError sign-in/throttled, with when it is worth trying again. */
export class SignInThrottled extends DomainError {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('sign-in/throttled', 'Too many failed sign-ins. Try again later.');
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

interface SignInParts {
  readonly directory: Directory;
  readonly clock: Clock;
  /** argon2id if not given. */
  readonly passwords?: PasswordHasher;
  /** Without them passwords are all there is. */
  readonly tokens?: Pick<PersonalTokens, 'goodUntil' | 'used' | 'isPasswordTaken'>;
  /** How many passwords are compared at a time: each takes a core and 19 MiB. */
  readonly comparisons?: number;
}

/** A reading of the password sent, and the keyed hash of it with the user name. */
interface Candidate {
  readonly password: string;
  readonly hash: string;
}

/** A sign-in that succeeded. */
interface Remembered {
  readonly hash: string;
  readonly ref: MailboxRef;
  readonly entity: EntityId;
  readonly expiresMs: number;
  /** Those who sent this password, the latest last. */
  readonly clients: Set<string>;
}

const rememberMs = 60 * 60 * 1000;
const maxRemembered = 50_000;
const maxClientsRemembered = 20;
const maxPasswordLength = 256;
/** RFC 5321 §4.5.3.1. */
const maxAddressLength = 320;
const maxWaiting = 1_000;

/**
 * SignIn checks passwords, and personal access tokens in their place. A sign-in that succeeded is remembered for an hour by a
 * keyed hash of user name and password, so that the next ones cost no argon2, and forgotten when a password, state, address or
 * token of the user changes.
 *
 * What is remembered is looked at only after the throttle's wait, or guesses could be tried without waiting; only a
 * client that has itself sent the right password before does not wait with it. A refused client is refused whatever
 * it sends.
 */
export class SignIn {
  readonly #directory: Directory;
  readonly #clock: Clock;
  readonly #passwords: PasswordHasher;
  readonly #tokens: SignInParts['tokens'];
  readonly #throttle: Throttle;
  readonly #slots: Slots;
  // From bytes, Node makes such an object at each call, for four times the time that the hash takes.
  readonly #key = createSecretKey(randomBytes(32));
  readonly #remembered = new RecentMap<string, Remembered>(maxRemembered);
  /** The hashes under which sign-ins of an entity are remembered. */
  readonly #hashesOf = new Map<EntityId, Set<string>>();
  /** Sign-ins under way, by client and credentials: the same ones share one answer. */
  readonly #underWay = new Map<string, Promise<Account>>();
  /** Comparisons under way, by stored and given password. */
  readonly #comparing = new Map<string, Promise<boolean>>();
  #changes = 0;

  constructor({ directory, clock, passwords = argon2id, tokens, comparisons = 2 }: SignInParts) {
    this.#directory = directory;
    this.#clock = clock;
    this.#passwords = passwords;
    this.#tokens = tokens;
    this.#throttle = new Throttle(clock);
    this.#slots = new Slots(comparisons, maxWaiting);
    directory.onChange((entity) => this.#forget(entity));
  }

  /**
   * Gives the account of an enabled user. `user` is an address, `user`, `DOMAIN\user` or `\user`, where it means one
   * person only; `passwords` are the readings of what was sent, most likely first; `client` is the remote IP. Waits
   * out the throttle. Throws DomainError sign-in/failed, mailbox/disabled (to who knows the password), SignInThrottled,
   * server/busy.
   */
  async signIn(user: string, passwords: readonly string[], client: string): Promise<Account> {
    const from = clientOf(client);
    const name = canonicalName(user.trim());
    this.#checkRefused(from);
    const candidates = [...new Set(passwords)]
      .filter((password) => password.length <= maxPasswordLength)
      .map((password) => ({ password, hash: this.#hash(name, password) }));
    const own = candidates.filter(({ hash }) => this.#remembered.get(hash)?.clients.has(from));
    const account = await this.#recall(own, from);
    if (account !== undefined) return account;
    const attempt = [from, name, ...candidates.map(({ hash }) => hash)].join(' ');
    return shared(this.#underWay, attempt, () => this.#attempt(name, candidates, from));
  }

  async #attempt(name: string, candidates: readonly Candidate[], from: string): Promise<Account> {
    const user = await this.#directory.userFor(name);
    const address = guessedName(name);
    for (let waitedMs = 0; ; ) {
      waitedMs = await this.#waitOut(from, address, waitedMs);
      const known = await this.#recall(candidates, from);
      if (known !== undefined) return this.#succeeded(known, from, address);
      const giveBack = await this.#slots.take();
      try {
        this.#checkRefused(from);
        // Others may have failed while this one stood in line: then it waits for them too.
        if (this.#throttle.waitMs(from, address) > waitedMs) continue;
        const meanwhile = await this.#recall(candidates, from);
        const account = meanwhile ?? (await this.#compare(name, user, candidates, from));
        if (account !== undefined) return this.#succeeded(account, from, address);
        this.#throttle.failed(from, address);
        throw new DomainError('sign-in/failed', 'The user name or the password is not right.');
      } finally {
        giveBack();
      }
    }
  }

  /** Compares the password, whether there is such a user or not: both take the same time. */
  async #compare(
    name: string,
    user: User | undefined,
    candidates: readonly Candidate[],
    from: string,
  ): Promise<Account | undefined> {
    const byToken = user && (await this.#compareTokens(name, user, candidates, from));
    if (byToken !== undefined) return byToken;
    const disabled = user === undefined ? await this.#directory.disabledUserFor(name) : undefined;
    const stored = (user ?? disabled)?.passwordHash ?? this.#passwords.decoy;
    for (const { password, hash } of candidates) {
      const right = await shared(this.#comparing, `${stored} ${hash}`, () =>
        this.#passwords.verify(stored, password),
      );
      if (right && disabled !== undefined && (await this.#isPasswordTaken(disabled))) {
        this.#throttle.failed(from, guessedName(name));
        throw new DomainError('mailbox/disabled', 'The mailbox is disabled.');
      }
      const isStill = async (now: User) =>
        now.passwordHash === stored && (await this.#isPasswordTaken(now)) ? Infinity : undefined;
      const account =
        right && user !== undefined ? await this.#remember(name, hash, from, isStill) : undefined;
      if (account !== undefined) return account;
    }
    return undefined;
  }

  async #isPasswordTaken({ organization }: User): Promise<boolean> {
    return (await this.#tokens?.isPasswordTaken(organization)) ?? true;
  }

  /** A token is random: it needs no slow comparison. */
  async #compareTokens(
    name: string,
    user: User,
    candidates: readonly Candidate[],
    from: string,
  ): Promise<Account | undefined> {
    const tokens = this.#tokens;
    if (tokens === undefined) return undefined;
    for (const { password, hash } of candidates) {
      if ((await tokens.goodUntil(user, password)) === undefined) continue;
      const account = await this.#remember(name, hash, from, (now) => tokens.goodUntil(now, password));
      if (account === undefined) continue;
      await tokens.used(account, password);
      return account;
    }
    return undefined;
  }

  #succeeded(account: Account, from: string, address: string): Account {
    this.#throttle.succeeded(from, address);
    return account;
  }

  #checkRefused(from: string): void {
    const refusedMs = this.#throttle.refusedMs(from);
    if (refusedMs > 0) throw new SignInThrottled(Math.ceil(refusedMs / 1000));
  }

  /** Waits as long as answers to this client about this address wait by now, and gives how long that was in all. */
  async #waitOut(from: string, address: string, waitedMs: number): Promise<number> {
    for (let waited = waitedMs; ; ) {
      this.#checkRefused(from);
      const restMs = this.#throttle.waitMs(from, address) - waited;
      if (restMs <= 0) return waited;
      await new Promise<void>((done) => void this.#clock.after(restMs, done));
      waited += restMs;
    }
  }

  /** The account of a remembered sign-in with one of these passwords. */
  async #recall(candidates: readonly Candidate[], from: string): Promise<Account | undefined> {
    for (const { hash } of candidates) {
      const known = this.#remembered.get(hash);
      if (known === undefined) continue;
      if (known.expiresMs <= this.#clock.now()) {
        this.#drop(known);
        continue;
      }
      const account = await this.#directory.account(known.ref);
      // Forgotten meanwhile: what was right when it was asked is so no more.
      if (account === undefined || this.#remembered.get(hash) !== known) continue;
      noteClient(known.clients, from);
      return account;
    }
    return undefined;
  }

  /** Remembers a sign-in, if what it was done with is good still: `goodUntil` says until when. */
  async #remember(
    name: string,
    hash: string,
    from: string,
    goodUntil: (user: User) => Promise<number | undefined>,
  ): Promise<Account | undefined> {
    for (;;) {
      const began = this.#changes;
      const user = await this.#directory.userFor(name);
      const untilMs = user === undefined ? undefined : await goodUntil(user);
      if (began !== this.#changes) continue;
      const account = user === undefined || untilMs === undefined ? undefined : accountOf(user);
      if (account === undefined || untilMs === undefined) return undefined;
      const { entity, mailbox: ref } = account;
      const expiresMs = Math.min(this.#clock.now() + rememberMs, untilMs);
      const clients = this.#remembered.get(hash)?.clients ?? new Set();
      noteClient(clients, from);
      const dropped = this.#remembered.set(hash, { hash, ref, entity, expiresMs, clients });
      if (dropped !== undefined) this.#drop(dropped);
      const hashes = this.#hashesOf.get(entity) ?? new Set();
      this.#hashesOf.set(entity, hashes.add(hash));
      return account;
    }
  }

  #drop({ hash, entity }: Remembered): void {
    this.#remembered.delete(hash);
    const hashes = this.#hashesOf.get(entity);
    hashes?.delete(hash);
    if (hashes?.size === 0) this.#hashesOf.delete(entity);
  }

  #forget(entity: EntityId): void {
    this.#changes++;
    for (const hash of this.#hashesOf.get(entity) ?? []) this.#remembered.delete(hash);
    this.#hashesOf.delete(entity);
  }

  #hash(name: string, password: string): string {
    return createHmac('sha256', this.#key)
      .update(JSON.stringify([name, password]))
      .digest('base64');
  }
}

/**
 * What the throttle counts guesses by: the name alone, so that all forms of one are one, and whether a wait comes says nothing
 * of who there is. Of a made-up one it remembers no more than an address has.
 */
function guessedName(name: string): string {
  const withoutDomain = name.slice(name.indexOf('\\') + 1);
  const at = withoutDomain.lastIndexOf('@');
  return (at < 0 ? withoutDomain : withoutDomain.slice(0, at)).slice(0, maxAddressLength);
}

function noteClient(clients: Set<string>, from: string): void {
  clients.delete(from);
  clients.add(from);
  for (const oldest of clients) {
    if (clients.size <= maxClientsRemembered) return;
    clients.delete(oldest);
  }
}

/** Runs `start` unless the same is under way, whose result it then is. */
function shared<T>(underWay: Map<string, Promise<T>>, key: string, start: () => Promise<T>): Promise<T> {
  const known = underWay.get(key);
  if (known !== undefined) return known;
  const running = start().finally(() => underWay.delete(key));
  underWay.set(key, running);
  return running;
}
