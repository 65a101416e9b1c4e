import { isIPv6 } from 'node:net';
import type { Account } from '#directory/account';
import type { Directory } from '#directory/directory';
import type { Organization } from '#directory/organization';
import { DomainError } from '#domain/errors';
import { mailboxOf, type OrganizationId } from '#domain/ids';
import type { Outside } from '#domain/outside';

/** Place is where this server is reached; addresses are bound ones, `host:port` by listener name. */
export interface Place {
  readonly addresses: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly dataDir: string;
  /** The certificate of the authority we made ourselves; undefined if the operator brought a certificate. */
  readonly authorityFile: string | undefined;
}

export interface QuickSetupParts {
  readonly directory: Directory;
  /** Puts a raw message (RFC 5322) into the account's inbox. */
  readonly deliver: (account: Account, message: Uint8Array) => Promise<void>;
  readonly outside: Outside;
  readonly place: Place;
}

const alias = 'quickstart';
const people = [
  { name: 'alice', displayName: 'Alice' },
  { name: 'bob', displayName: 'Bob' },
] as const;

interface Person {
  readonly address: string;
  readonly password: string;
}

/** Tells an organisation that we made from one of the same alias. */
const clientToken = 'mailstead-quick-setup';

/**
 * quickSetup makes, where there is no organisation yet, the organisation `quickstart` with the users alice and bob and
 * a welcome message for each; otherwise it changes nothing. One that was cut short, which has printed no password, is
 * gone on with, with new passwords. It gives what is to be printed: on the first start with the passwords, which are
 * nowhere else, later where things are.
 */
export async function quickSetup(parts: QuickSetupParts): Promise<string> {
  const { directory, place } = parts;
  const { rows } = await directory.listOrganizations(undefined, 10);
  if (rows.length > 0 && !(await isCutShort(directory, rows)))
    return laterText(
      place,
      rows.map((organization) => organization.alias),
    );
  const organization = await directory.createOrganization({ alias, clientToken });
  const made: Person[] = [];
  for (const person of people) made.push(await makePerson(parts, organization, person));
  return firstText(place, made);
}

/** Whether a Quick Setup began, no longer ago than a client token is remembered, and did not come to its last user. */
async function isCutShort(directory: Directory, organizations: readonly Organization[]): Promise<boolean> {
  const [only, ...others] = organizations;
  const last = people.at(-1);
  if (only?.alias !== alias || others.length > 0 || last === undefined) return false;
  if ((await directory.findUser(only.id, last.name))?.enabledMs !== undefined) return false;
  try {
    await directory.createOrganization({ alias, clientToken });
    return true;
  } catch (error) {
    if (error instanceof DomainError && error.code === 'organization/alias-in-use') return false;
    throw error;
  }
}

async function makePerson(
  { directory, deliver, outside, place }: QuickSetupParts,
  organization: OrganizationId,
  { name, displayName }: (typeof people)[number],
): Promise<Person> {
  const { testDomain } = await directory.describeOrganization(organization);
  const password = newPassword(outside);
  const begun = await directory.findUser(organization, name);
  const id = begun?.id ?? (await directory.createUser(organization, { name, displayName, password }));
  if (begun !== undefined) await directory.resetPassword(organization, id, password);
  const address = `${name}@${testDomain}`;
  await directory.registerToWorkMail(organization, id, address);
  if (name === 'alice') {
    // She reads postmaster@ and abuse@, which is also where the welcome can be answered.
    await directory.putMailRouting(organization, { administrator: id });
  }
  const account = await directory.account({ organization, mailbox: mailboxOf(id) });
  if (account === undefined) throw new Error(`${address} was registered and has no account`);
  await deliver(account, welcome(account, testDomain, outside, place));
  return { address, password };
}

/** Letters that are not mistaken for one another when they are typed off a screen. */
const letters = 'abcdefghjkmnpqrstuvwxyz';

/** A password of 12 letters and 2 digits, some 60 bits, in groups that are easy to type on a phone. */
function newPassword({ random }: Outside): string {
  const pick = (from: string): string => {
    // Bytes beyond the last whole multiple would favour the first letters.
    const fair = 256 - (256 % from.length);
    for (;;) {
      const [byte = fair] = random.bytes(1);
      if (byte < fair) return from[byte % from.length] ?? '';
    }
  };
  const group = () => Array.from({ length: 4 }, () => pick(letters)).join('');
  const first = group();
  const digits = pick('23456789') + pick('23456789');
  return `${first.slice(0, 1).toUpperCase()}${first.slice(1)}-${group()}-${group()}-${digits}`;
}

/** A message of ASCII alone, so that no header needs encoding. */
function welcome(account: Account, domain: string, { clock, random }: Outside, place: Place): Uint8Array {
  const id = Buffer.from(random.bytes(16)).toString('hex');
  const lines = [
    `From: "Mailstead" <postmaster@${domain}>`,
    `To: "${account.displayName}" <${account.address}>`,
    'Subject: Welcome to Mailstead',
    `Date: ${new Date(clock.now()).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}@${place.hostname}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=us-ascii',
    'Content-Transfer-Encoding: 7bit',
    '',
    `Hello ${account.displayName},`,
    '',
    'this is your mailbox. If you read this on a phone, everything between',
    'the server and you works.',
    '',
    'Answer this message, or write to the others here:',
    ...people.map(({ name, displayName }) => `  ${displayName}: ${name}@${domain}`),
    '',
    'Your administrator can add more people, domains and rules for phones.',
    'The file README.md of this server tells how.',
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'ascii');
}

function firstText(place: Place, made: readonly Person[]): string {
  const [first] = made;
  if (first === undefined) throw new Error('Quick Setup has nobody to make');
  return [
    `Quick Setup has made the organisation "${alias}" with two users:`,
    '',
    ...made.map(({ address, password }) => `  ${address}    password  ${password}`),
    '',
    'The passwords are shown only this once.',
    '',
    ...phoneLines(place, first.address),
    '',
    'A mail program: choose "Exchange ActiveSync" with the same settings. Programs that know',
    'only IMAP or POP cannot read mail here.',
    ...submissionLines(place),
    '',
    ...sendLines(place, made),
    ...signInLines(place, first),
    ...whereLines(place),
  ].join('\n');
}

function laterText(place: Place, aliases: readonly string[]): string {
  return [
    `Mailstead serves the organisation${aliases.length === 1 ? '' : 's'} ${aliases.join(', ')}.`,
    '',
    ...whereLines(place),
    'A forgotten password is replaced with:',
    `  npm run -s mailstead -- user password <address>${aliases.length === 1 ? '' : ' --org <organisation>'}`,
    '',
  ].join('\n');
}

function phoneLines(place: Place, address: string): string[] {
  const https = place.addresses['https'];
  if (https === undefined) return ['A phone: set listen.https in mailstead.toml; it is off.'];
  const { host, port } = splitAddress(https);
  return [
    'A phone: add an account of the type "Exchange" (or "Exchange ActiveSync") by hand:',
    `  email and user name   ${address}`,
    `  server                ${place.hostname}${port === '443' ? '' : `:${port}`}`,
    '  domain                leave empty',
    '  SSL                   on',
    ...(isLoopback(host)
      ? [
          `  The server listens on ${https}, which only this machine reaches. For a phone in your`,
          `  network write into mailstead.toml:  [listen]  https = "0.0.0.0:${port}"`,
        ]
      : []),
    ...(place.authorityFile === undefined
      ? []
      : [
          '  The certificate is self-signed: accept it when the phone warns, or install and trust',
          `  ${place.authorityFile}  on the phone first.`,
        ]),
  ];
}

/** What a program or script that sends mail is told. */
function submissionLines({ addresses }: Place): string[] {
  const { submissions, submission } = addresses;
  const ways = [
    ...(submissions === undefined ? [] : [`${here(submissions)} (TLS)`]),
    ...(submission === undefined ? [] : [`${here(submission)} (STARTTLS)`]),
  ];
  return ways.length === 0
    ? []
    : [`To send mail, programs and scripts sign in with address and password at ${ways.join(' or ')}.`];
}

function sendLines(place: Place, made: readonly Person[]): string[] {
  const smtp = place.addresses['smtp'];
  if (smtp === undefined) return [];
  const line = (to: string, more: string) =>
    `  swaks --server ${here(smtp)} --from you@example.org --to ${to}${more}`;
  return [
    'Send them mail (swaks is a package of most systems):',
    ...made.map(({ address }) => line(address, ' --header "Subject: Hello"')),
    ...made.slice(0, 1).map(({ address }) => line(address, ' --tls')),
    '',
  ];
}

function signInLines(place: Place, { address, password }: Person): string[] {
  const https = place.addresses['https'];
  if (https === undefined) return [];
  return [
    'Try signing in as a device without having one:',
    `  curl -k -i -u '${address}:${password}' -X OPTIONS https://${here(https)}/Microsoft-Server-ActiveSync`,
    '',
  ];
}

function whereLines(place: Place): string[] {
  const listeners = Object.entries(place.addresses).map(
    ([name, address]) => `  ${name.padEnd(12)}${address}`,
  );
  return [
    'Where things are:',
    `  ${'data'.padEnd(12)}${place.dataDir}`,
    ...listeners,
    `  ${'commands'.padEnd(12)}npm run -s mailstead -- --help`,
    '',
  ];
}

/** A bound address as a client on this machine reaches it. */
function here(address: string): string {
  const { host, port } = splitAddress(address);
  if (host === '0.0.0.0' || host === '::') return `127.0.0.1:${port}`;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function splitAddress(address: string): { readonly host: string; readonly port: string } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: address.slice(colon + 1) };
}

function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || host.startsWith('127.');
}
