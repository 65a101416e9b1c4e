/** The routes of AutoDiscover over both listeners, with one user. */
import { onTestFinished } from 'vitest';
import type { Account } from '#directory/account';
import { type SignIn, SignInThrottled } from '#directory/sign-in';
import { DomainError } from '#domain/errors';
import type { EntityId, MailboxId, OrganizationId } from '#domain/ids';
import { autodiscoverRoutes } from '#protocols/autodiscover/endpoint';
import type { Endpoints } from '#protocols/autodiscover/endpoints';
import { loadOrCreateCertificate } from '#protocols/http/certificate';
import { createHttpListener, createHttpsListener } from '#protocols/http/listener';
import { createRouter } from '#protocols/http/router';
import { silentLogger } from '#telemetry/log';
import { fixedClock, tempFolder } from '#test/support/temp-store';

export const publicUrl = 'https://mail.example.test';
export const credentials = 'alice@example.test:correct horse';
const everything: Endpoints = {
  publicUrl,
  submission: [
    { host: 'mail.example.test', port: 465, security: 'TLS' },
    { host: 'mail.example.test', port: 587, security: 'STARTTLS' },
  ],
};
const alice: Account = {
  organization: 'm-00000000000000000000000000000001' as OrganizationId,
  entity: '00000000-0000-4000-8000-000000000001' as EntityId,
  mailbox: {
    organization: 'm-00000000000000000000000000000001' as OrganizationId,
    mailbox: '00000000-0000-4000-8000-000000000001' as MailboxId,
  },
  address: 'alice@example.test',
  addresses: [
    'alice@example.test',
    'ally@example.test',
    'alice+work@example.test',
    'alice@xn--mller-kva.test',
  ],
  displayName: 'Alice <Adams> & "Co"',
};
export const names = [
  'alice@example.test',
  'ALICE@example.test',
  'alice',
  'EXAMPLE\\alice',
  'ally@example.test',
];

interface Options {
  readonly insecureAuth?: boolean;
  readonly endpoints?: Endpoints;
  readonly signProfile?: (profile: Uint8Array) => Uint8Array;
  readonly signIn?: Pick<SignIn, 'signIn'>;
}

/** Both listeners over real sockets, with one user and two domains. */
export async function start({
  insecureAuth = false,
  endpoints = everything,
  signProfile,
  signIn,
}: Options = {}) {
  const asked: string[] = [];
  const routes = autodiscoverRoutes({
    signIn: signIn ?? oneUser(asked),
    clock: fixedClock(Date.UTC(2026, 10, 22, 11, 42, 21, 123)),
    endpoints: () => endpoints,
    isOurs: async (domain) => {
      if (domain.length > 253) throw new RangeError('no domain is as long');
      return domain === 'example.test' || domain === 'xn--mller-kva.test';
    },
    signProfile,
    insecureAuth,
  });
  const { cert, key, ca } = await loadOrCreateCertificate({
    dir: await tempFolder(),
    hostnames: ['127.0.0.1'],
    now: new Date(),
  });
  const handler = createRouter(routes);
  const secure = createHttpsListener({ handler, log: silentLogger, cert, key });
  const plain = createHttpListener({ handler, log: silentLogger });
  onTestFinished(async () => {
    await Promise.all([secure.stop(0), plain.stop(0)]);
  });
  const address = { host: '127.0.0.1', port: 0 };
  return {
    asked,
    https: { baseUrl: `https://${await secure.listen(address)}`, ca },
    http: { baseUrl: `http://${await plain.listen(address)}` },
  };
}

/** Knows Alice; notes who asks. */
function oneUser(asked: string[]): Pick<SignIn, 'signIn'> {
  return {
    signIn: async (user, passwords, client) => {
      asked.push(client);
      if (user === 'guesser') throw new SignInThrottled(900);
      if (user === 'crowd') throw new DomainError('server/busy', 'Too many at once.');
      if (names.includes(user) && passwords.includes('correct horse')) return alice;
      throw new DomainError('sign-in/failed', 'The user name or the password is not right.');
    },
  };
}
