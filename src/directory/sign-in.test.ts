import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { StoredDirectory } from '#storage/directory-store';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import type { Account } from './account.ts';
import { Directory } from './directory.ts';
import type { PasswordHasher } from './password.ts';
import { SignIn } from './sign-in.ts';

const right = 'Password-1';
const minuteMs = 60_000;

/** Counts comparisons, the number under way, and holds them until released where asked to. */
class CountingPasswords implements PasswordHasher {
  readonly decoy = 'decoy';
  compared = 0;
  atOnce = 0;
  mostAtOnce = 0;
  /** A comparison that is done answers only after this. */
  held: Promise<unknown> = Promise.resolve();

  async hash(password: string): Promise<string> {
    return `plain:${password}`;
  }

  async verify(hash: string, password: string): Promise<boolean> {
    this.compared++;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    await new Promise((done) => setImmediate(done));
    await this.held;
    this.atOnce--;
    return hash === `plain:${password}`;
  }
}

async function open() {
  const clock = fixedClock(1_800_000_000_000);
  const waits: number[] = [];
  const watched = {
    now: clock.now,
    after: (delayMs: number, callback: () => void) => {
      waits.push(delayMs);
      return clock.after(delayMs, callback);
    },
  };
  const database = await tempDatabase({ clock });
  const passwords = new CountingPasswords();
  const directory = new Directory({
    store: new StoredDirectory(database),
    mailboxes: database.mail,
    outside: { clock, random: { bytes: (length) => randomBytes(length) } },
    settings: { baseDomain: 'mailstead.test', hostname: 'mail.example.com', maxDomains: 100 },
    passwords,
  });
  const signIns = new SignIn({ directory, clock: watched, passwords });
  const enabledUser = async (alias: string, name: string) => {
    const known = (await directory.listOrganizations(undefined, 100)).rows.find((o) => o.alias === alias);
    const organization = known?.id ?? (await directory.createOrganization({ alias }));
    const id = await directory.createUser(organization, { name, displayName: name, password: right });
    await directory.registerToWorkMail(organization, id, `${name}@${alias}.mailstead.test`);
    return { organization, id };
  };
  /** Tries, moving the clock through whatever wait is asked for; gives how long that was. */
  const attempt = async (user: string, password: string, client = '192.0.2.1') => {
    waits.length = 0;
    let result: Account | string | undefined;
    const running = signIns.signIn(user, [password], client).then(
      (account) => (result = account),
      (error: { code: string }) => (result = error.code),
    );
    while (result === undefined) {
      await new Promise((done) => setImmediate(done));
      if (waits.length > 0) clock.move(30_000);
    }
    await running;
    return { result, waitedMs: waits.reduce((sum, wait) => sum + wait, 0) };
  };
  return { clock, waits, directory, passwords, signIns, enabledUser, attempt };
}

const alice = 'alice@acme.mailstead.test';
const failed = expect.objectContaining({ name: 'DomainError', code: 'sign-in/failed' });

describe('signing in', () => {
  it('works with every name that means one user alone', async () => {
    const { signIns, directory, enabledUser } = await open();
    const { organization, id } = await enabledUser('acme', 'alice');
    await directory.createAlias(organization, id, 'a.smith@acme.mailstead.test');
    await enabledUser('acme', 'bob');
    await enabledUser('other', 'bob');
    for (const user of [
      alice,
      'ALICE@Acme.Mailstead.Test',
      ' alice ',
      'Alice',
      '\\alice',
      'acme\\alice',
      'ACME.mailstead.test\\alice',
      `whatever\\${alice}`,
      'a.smith@acme.mailstead.test',
      'a.smith',
    ]) {
      expect(await signIns.signIn(user, [right], '192.0.2.1'), user).toMatchObject({
        entity: id,
        address: alice,
      });
    }
    expect(await signIns.signIn('other\\bob', [right], '192.0.2.1')).toMatchObject({
      address: 'bob@other.mailstead.test',
    });
    for (const user of [
      'bob',
      '\\bob',
      'other\\alice',
      'nowhere\\alice',
      'alice+tag@acme.mailstead.test',
      '',
      '\\',
      '@',
      'carol',
    ]) {
      await expect(signIns.signIn(user, [right], '192.0.2.9'), user).rejects.toEqual(failed);
    }
  });

  it('tries every reading of the password', async () => {
    const { signIns, enabledUser } = await open();
    await enabledUser('acme', 'alice');
    expect(await signIns.signIn(alice, ['wrong', right], '192.0.2.1')).toMatchObject({ address: alice });
    await expect(signIns.signIn(alice, [], '192.0.2.1')).rejects.toEqual(failed);
    await expect(signIns.signIn(alice, [right.repeat(1000)], '192.0.2.1')).rejects.toEqual(failed);
  });

  it('costs one comparison for a hundred requests, at once and one after the other', async () => {
    const { signIns, passwords, enabledUser } = await open();
    await enabledUser('acme', 'alice');
    const many = Array.from({ length: 100 }, (_, i) => signIns.signIn(alice, [right], `192.0.2.${i % 3}`));
    expect(new Set((await Promise.all(many)).map(({ address }) => address))).toEqual(new Set([alice]));
    for (let i = 0; i < 100; i++) await signIns.signIn(alice, [right], '192.0.2.1');
    expect(passwords.compared).toBe(1);
  });

  it('is compared again after an hour', async () => {
    const { signIns, passwords, enabledUser, clock } = await open();
    await enabledUser('acme', 'alice');
    await signIns.signIn(alice, [right], '192.0.2.1');
    clock.move(60 * minuteMs - 1);
    await signIns.signIn(alice, [right], '192.0.2.1');
    expect(passwords.compared).toBe(1);
    clock.move(1);
    await signIns.signIn(alice, [right], '192.0.2.1');
    expect(passwords.compared).toBe(2);
  });

  it('with the old password fails once it is reset, even if it was remembered', async () => {
    const { signIns, directory, enabledUser } = await open();
    const { organization, id } = await enabledUser('acme', 'alice');
    await signIns.signIn(alice, [right], '192.0.2.1');
    await directory.resetPassword(organization, id, 'Password-2');
    await expect(signIns.signIn(alice, [right], '192.0.2.1')).rejects.toEqual(failed);
    expect(await signIns.signIn(alice, ['Password-2'], '192.0.2.1')).toMatchObject({ entity: id });
  });

  it('with a password that is reset while it is compared fails', async () => {
    const { signIns, directory, enabledUser, passwords } = await open();
    const { organization, id } = await enabledUser('acme', 'alice');
    const { promise, resolve: release } = Promise.withResolvers<void>();
    passwords.held = promise;
    const signingIn = signIns.signIn(alice, [right], '192.0.2.1');
    while (passwords.compared === 0) await new Promise((done) => setImmediate(done));
    await directory.resetPassword(organization, id, 'Password-2');
    release();
    await expect(signingIn).rejects.toEqual(failed);
    await expect(signIns.signIn(alice, [right], '192.0.2.1')).rejects.toEqual(failed);
  });

  it('tells a disabled user so who knows the password, and fails for one without', async () => {
    const { signIns, directory, enabledUser } = await open();
    const { organization, id } = await enabledUser('acme', 'alice');
    await signIns.signIn(alice, [right], '192.0.2.1');
    await directory.deregisterFromWorkMail(organization, id);
    const disabled = { code: 'mailbox/disabled' };
    await expect(signIns.signIn(alice, [right], '192.0.2.1')).rejects.toMatchObject(disabled);
    await expect(signIns.signIn(alice, ['wrong'], '192.0.2.1')).rejects.toEqual(failed);
    await expect(signIns.signIn('alice', [right], '192.0.2.1')).rejects.toEqual(failed);
    const none = await directory.createUser(organization, { name: 'none', displayName: '' });
    await directory.registerToWorkMail(organization, none, 'none@acme.mailstead.test');
    await expect(signIns.signIn('none', [''], '192.0.2.1')).rejects.toEqual(failed);
  });

  it('costs the same for a user there is not', async () => {
    const { signIns, passwords, enabledUser } = await open();
    await enabledUser('acme', 'alice');
    for (const user of [alice, 'nobody@acme.mailstead.test', 'nobody@elsewhere.example']) {
      const before = passwords.compared;
      await expect(signIns.signIn(user, ['wrong', 'wrong too'], '192.0.2.1')).rejects.toEqual(failed);
      expect(passwords.compared - before, user).toBe(2);
    }
  });

  it('compares two passwords at a time, the others wait their turn', async () => {
    const { signIns, passwords, enabledUser } = await open();
    await enabledUser('acme', 'alice');
    const guesses = Array.from({ length: 40 }, (_, i) =>
      signIns.signIn(alice, [`guess ${i}`], `192.0.2.${i}`),
    );
    expect((await Promise.allSettled(guesses)).every(({ status }) => status === 'rejected')).toBe(true);
    expect(passwords.compared).toBe(40);
    expect(passwords.mostAtOnce).toBe(2);
  });
});

describe('guessing', () => {
  it('waits after 5 failures, doubling to 30 s, by whatever name of the user; others do not wait', async () => {
    const { attempt, enabledUser } = await open();
    await enabledUser('acme', 'alice');
    await enabledUser('acme', 'bob');
    const waits: number[] = [];
    for (const user of [alice, 'alice', 'acme\\alice', 'Alice', '\\alice', alice, 'alice', alice]) {
      const { result, waitedMs } = await attempt(user, 'wrong');
      expect(result).toBe('sign-in/failed');
      waits.push(waitedMs);
    }
    expect(waits).toEqual([0, 0, 0, 0, 0, 1000, 2000, 4000]);
    expect(await attempt(alice, right, '192.0.2.2')).toMatchObject({
      waitedMs: 0,
      result: { address: alice },
    });
    expect(await attempt('bob', right)).toMatchObject({ waitedMs: 0, result: { displayName: 'bob' } });
    // The client that guessed waits with the right password too, though others are remembered with it.
    expect(await attempt(alice, right)).toMatchObject({ waitedMs: 8000, result: { address: alice } });
    expect(await attempt(alice, 'wrong')).toMatchObject({ waitedMs: 0 });
  });

  it('does not delay a remembered sign-in of the same client', async () => {
    const { attempt, enabledUser } = await open();
    await enabledUser('acme', 'alice');
    await attempt(alice, right);
    for (let i = 0; i < 7; i++) await attempt(alice, 'wrong');
    expect(await attempt(alice, right)).toMatchObject({ waitedMs: 0, result: { address: alice } });
  });

  it('many at once is as slow as one after the other', async () => {
    const { signIns, passwords, enabledUser, waits } = await open();
    await enabledUser('acme', 'alice');
    for (let i = 0; i < 30; i++) {
      signIns.signIn(alice, [`guess ${i}`], '192.0.2.1').catch(() => undefined);
    }
    while (waits.length < 23) await new Promise((done) => setImmediate(done));
    // Two were being compared when the fifth failed.
    expect(passwords.compared).toBeGreaterThanOrEqual(5);
    expect(passwords.compared).toBeLessThanOrEqual(7);
  });

  it('a hundred times gets the client refused for 15 minutes, right password or not', async () => {
    const { attempt, signIns, enabledUser, clock } = await open();
    await enabledUser('acme', 'alice');
    for (let i = 0; i < 50; i++) await attempt(`user${i}`, 'wrong');
    const guesses = Array.from({ length: 60 }, (_, i) =>
      signIns.signIn(`more${i}`, ['wrong'], '192.0.2.1').catch((error: unknown) => error),
    );
    let done = false;
    const all = Promise.all(guesses).finally(() => (done = true));
    while (!done) {
      await new Promise((turn) => setImmediate(turn));
      clock.move(2000);
    }
    const throttled = { code: 'sign-in/throttled', retryAfterSeconds: expect.any(Number) };
    expect((await all).filter((error) => error instanceof Error && 'retryAfterSeconds' in error)).not.toEqual(
      [],
    );
    await expect(signIns.signIn(alice, [right], '192.0.2.1')).rejects.toMatchObject(throttled);
    expect(await attempt(alice, right, '192.0.2.2')).toMatchObject({
      waitedMs: 0,
      result: { address: alice },
    });
    clock.move(15 * minuteMs);
    expect(await attempt(alice, right)).toMatchObject({ result: { address: alice } });
  });
});
