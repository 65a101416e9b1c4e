import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Account } from '#directory/account';
import { Directory } from '#directory/directory';
import { SignIn } from '#directory/sign-in';
import { parseAddressList } from '#mime/address';
import { StoredDirectory } from '#storage/directory-store';
import { fixedClock, tempDatabase } from '#test/support/temp-store';
import { type Place, quickSetup } from './quick-setup.ts';

const place: Place = {
  addresses: { smtp: '127.0.0.1:2525', https: '127.0.0.1:8443', http: '127.0.0.1:8080' },
  hostname: 'mail.example.com',
  dataDir: '/srv/mailstead',
  authorityFile: '/srv/mailstead/tls/ca.pem',
};

async function open() {
  const clock = fixedClock(Date.UTC(2026, 10, 22, 12, 0, 0));
  const database = await tempDatabase({ clock });
  const outside = { clock, random: { bytes: (length: number) => randomBytes(length) } };
  const directory = new Directory({
    store: new StoredDirectory(database),
    mailboxes: database.mail,
    outside,
    settings: { baseDomain: 'mailstead.test', hostname: place.hostname, maxDomains: 100 },
  });
  const delivered: { account: Account; message: string }[] = [];
  let crash: { readonly after: number } | undefined;
  const deliver = async (account: Account, message: Uint8Array) => {
    if (crash?.after === delivered.length) throw new Error('power cut');
    delivered.push({ account, message: Buffer.from(message).toString('latin1') });
  };
  const run = (where: Partial<Place> = {}) =>
    quickSetup({ directory, deliver, outside, place: { ...place, ...where } });
  /** Ends every run when so many messages are delivered, and goes on as before with undefined. */
  const crashAfter = (after: number | undefined) => {
    crash = after === undefined ? undefined : { after };
  };
  return { clock, directory, delivered, run, crashAfter };
}

/** The passwords that a text shows, by address. */
function passwordsIn(text: string): Map<string, string> {
  const lines = text.matchAll(/^ {2}(\S+@\S+) +password {2}(\S+)$/gm);
  return new Map([...lines].map(([, address = '', password = '']) => [address, password]));
}

describe('Quick Setup', () => {
  it('makes two users who can sign in with the passwords it prints, each with a welcome message', async () => {
    const { directory, clock, delivered, run } = await open();
    const passwords = passwordsIn(await run());
    const addresses = ['alice@quickstart.mailstead.test', 'bob@quickstart.mailstead.test'];
    expect([...passwords.keys()]).toEqual(addresses);
    const signIns = new SignIn({ directory, clock });
    for (const [address, password] of passwords) {
      expect(password).toMatch(/^[A-Z][a-z]{3}-[a-z]{4}-[a-z]{4}-\d\d$/);
      expect(await signIns.signIn(address, [password], '127.0.0.1')).toMatchObject({ address });
    }
    expect(delivered.map(({ account }) => account.address)).toEqual(addresses);
    for (const { account, message } of delivered) {
      const [, to = ''] = /\r\nTo: (.*)\r\n/.exec(message) ?? [];
      expect(parseAddressList(to)).toEqual([{ name: account.displayName, address: account.address }]);
      expect(message).toContain('\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n');
      expect(message.replaceAll('\r\n', '')).toMatch(/^[ -~]*$/);
      const [, from = ''] = /^From: (.*)\r\n/.exec(message) ?? [];
      const [sender] = parseAddressList(from);
      expect(await directory.resolveRecipient(sender?.address ?? '')).toMatchObject({
        account: { address: addresses[0] },
      });
    }
  });

  it('prints the command lines for the listeners there are', async () => {
    const { run } = await open();
    const text = await run();
    expect(text).toContain(
      'swaks --server 127.0.0.1:2525 --from you@example.org --to bob@quickstart.mailstead.test',
    );
    expect(text).toContain('https://127.0.0.1:8443/Microsoft-Server-ActiveSync');
    expect(text).toMatch(/server +mail\.example\.com:8443\n/);
    expect(text).toContain('https = "0.0.0.0:8443"');
    expect(text).toContain('/srv/mailstead/tls/ca.pem');
    for (const line of text.split('\n')) expect(line).toBe(line.trimEnd());
  });

  it('prints what is right for other listeners and an own certificate', async () => {
    const { run } = await open();
    const text = await run({
      addresses: { smtp: '[::]:25', https: '0.0.0.0:443', submissions: '0.0.0.0:465' },
      authorityFile: undefined,
    });
    expect(text).toContain('swaks --server 127.0.0.1:25 ');
    expect(text).toContain('at 127.0.0.1:465 (TLS).');
    expect(text).toMatch(/server +mail\.example\.com\n/);
    expect(text).not.toMatch(/only this machine|self-signed/);
  });

  it('changes nothing on the second start and prints where things are, without passwords', async () => {
    const { directory, delivered, run } = await open();
    const passwords = passwordsIn(await run());
    const again = await run();
    expect(again).toContain('/srv/mailstead');
    expect(again).toContain('127.0.0.1:8443');
    for (const password of passwords.values()) expect(again).not.toContain(password);
    expect(delivered).toHaveLength(2);
    expect((await directory.listOrganizations(undefined, 10)).rows).toHaveLength(1);
  });

  it('goes on where it was cut short before its last user, with passwords that are right', async () => {
    const { clock, directory, run, crashAfter } = await open();
    crashAfter(0);
    await expect(run()).rejects.toThrow('power cut');
    crashAfter(undefined);
    const passwords = passwordsIn(await run());
    expect(passwords.size).toBe(2);
    const signIns = new SignIn({ directory, clock });
    for (const [address, password] of passwords) {
      expect(await signIns.signIn(address, [password], '127.0.0.1')).toMatchObject({ address });
    }
    expect(passwordsIn(await run()).size).toBe(0);
  });

  it('leaves an organisation of the same alias alone that somebody else made', async () => {
    const { directory, delivered, run } = await open();
    const organization = await directory.createOrganization({ alias: 'quickstart' });
    expect(passwordsIn(await run()).size).toBe(0);
    expect(delivered).toEqual([]);
    expect((await directory.listUsers(organization, {}, undefined, 10)).rows).toEqual([]);
  });

  it('leaves an installation with another organisation alone', async () => {
    const { directory, delivered, run } = await open();
    await directory.createOrganization({ alias: 'acme' });
    expect(await run()).toContain('acme');
    expect(delivered).toEqual([]);
  });
});
