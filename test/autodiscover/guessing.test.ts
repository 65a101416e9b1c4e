import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Directory } from '#directory/directory';
import type { PasswordHasher } from '#directory/password';
import { SignIn } from '#directory/sign-in';
import { StoredDirectory } from '#storage/directory-store';
import { autodiscover, autodiscoverRequest, elementText } from '#test/support/autodiscover-client';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import { start } from './listeners.ts';

const address = 'alice@acme.mailstead.test';
const right = 'Password-1';

/** Counts what is compared, which is all that takes time. */
class CountingPasswords implements PasswordHasher {
  readonly decoy = 'decoy';
  compared = 0;

  async hash(password: string): Promise<string> {
    return `plain:${password}`;
  }

  async verify(hash: string, password: string): Promise<boolean> {
    if (hash !== this.decoy && !hash.startsWith('plain:')) throw new TypeError('no stored password');
    this.compared++;
    return hash === `plain:${password}`;
  }
}

/** The listeners with a directory of one user, and a clock that passes every wait over. */
async function open() {
  const clock = fixedClock(1_800_000_000_000);
  const waits: number[] = [];
  const passing = {
    now: clock.now,
    after: (delayMs: number, callback: () => void) => {
      waits.push(delayMs);
      setImmediate(callback);
      return () => undefined;
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
  const organization = await directory.createOrganization({ alias: 'acme' });
  const id = await directory.createUser(organization, {
    name: 'alice',
    displayName: 'Alice',
    password: right,
  });
  await directory.registerToWorkMail(organization, id, address);
  const signIn = new SignIn({ directory, clock: passing, passwords });
  const { https } = await start({ signIn });
  const post = (user: string, password: string) =>
    autodiscover({ ...https, credentials: `${user}:${password}`, body: autodiscoverRequest(user) });
  const get = (user: string, password: string) =>
    autodiscover({
      ...https,
      method: 'GET',
      path: `/mobileconfig?address=${encodeURIComponent(user)}`,
      credentials: `${user}:${password}`,
    });
  return { passwords, waits, signIn, post, get };
}

test('a user who is not there is refused as one who is: status, headers, body, and the same work', async () => {
  const { passwords, post, get } = await open();
  for (const ask of [post, get]) {
    const answers = [];
    for (const user of [
      address,
      'nobody@acme.mailstead.test',
      'a@foreign.test',
      'nobody',
      'acme\\alice',
      'x\\y',
    ]) {
      const before = passwords.compared;
      const { status, headers, text } = await ask(user, 'Wrong-1');
      const { date: _date, ...others } = headers;
      answers.push({ status, others, text, compared: passwords.compared - before });
    }
    expect(answers[0]).toMatchObject({ status: 401, compared: 1 });
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  }
});

test('guesses wait longer and longer, whatever is asked for, and are refused in the end with 429', async () => {
  const { waits, signIn, post, get } = await open();
  for (let guess = 0; guess < 9; guess++) {
    expect((await (guess % 2 === 0 ? post : get)(address, `Wrong-${guess}`)).status).toBe(401);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
  const good = await post(address, right);
  expect([good.status, elementText(good.text, 'EMailAddress')]).toEqual([200, address]);
  // The rest of the hundred as from another protocol: the throttle is the same.
  for (let guess = 9; guess < 99; guess++) {
    await expect(signIn.signIn(`name${guess}`, ['Wrong-1'], '127.0.0.1')).rejects.toThrow('not right');
  }
  expect((await get('name@foreign.test', 'Wrong-1')).status).toBe(401);
  for (const ask of [post, get]) {
    const refused = await ask(address, right);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '900']);
  }
});

test('waiting tells nothing of who there is: five guesses at one name, then another that may mean the same user', async () => {
  const { waits, post } = await open();
  const waitsAfter = async (first: string, second: string) => {
    for (let guess = 0; guess < 5; guess++) await post(first, `Wrong-${guess}`);
    waits.length = 0;
    await post(second, 'Wrong-1');
    return [...waits];
  };
  const domain = 'acme.mailstead.test';
  const pairs = (name: string) => [
    [`acme\\${name}`, `${name}@${domain}`],
    [`${name}@foreign.test`, `${domain}\\${name}`],
    [`x\\${name}@${domain}`, name],
  ];
  const told: Record<string, number[][]> = {};
  for (const name of ['alice', 'nobody']) {
    told[name] = [];
    for (const [first = '', second = ''] of pairs(name)) told[name].push(await waitsAfter(first, second));
  }
  expect(told['alice']).toEqual(told['nobody']);
  expect(told['alice']?.[0]).toEqual([1_000]);
});
