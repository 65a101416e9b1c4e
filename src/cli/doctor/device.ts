import { ApiError, type Output } from '../admin-client.ts';
import type { Terminal } from '../terminal.ts';
import { type Check, type Finding, fail, ok, reasonOf, warn } from './finding.ts';
import { type Phone, Refused } from './phone.ts';
import type { Scene } from './scene.ts';

const nearlyFull = 0.9;

/** deviceCheck signs in as a new phone of a user would, says what it sees, and removes that phone again. */
export function deviceCheck(scene: Scene, visit: Terminal['visit'], user: string, password: string): Check {
  const name = `device of ${user}`;
  return { name, run: (signal) => check({ scene, visit, name, user, password }, signal) };
}

interface SignIn {
  readonly scene: Scene;
  readonly visit: Terminal['visit'];
  readonly name: string;
  readonly user: string;
  readonly password: string;
}

async function check(signIn: SignIn, signal: AbortSignal): Promise<readonly Finding[]> {
  const { scene, name, user, password } = signIn;
  if (scene.outage !== undefined)
    return [fail(name, 'without a server nobody signs in', 'Start the server first.')];
  const address = scene.listeners['https'];
  if (address === undefined)
    return [fail(name, 'listen.https is off: no phone can connect', 'Set listen.https.')];
  const known = await lookUp(scene, user);
  if (known === undefined) {
    return [fail(name, 'there is no such user', '"mailstead user list" shows who there is.')];
  }
  const state = [...judgeState(name, user, known.user), ...(await mailboxOf(scene, name, known))];
  const { hostname } = scene;
  const device = await signIn.visit({ address, hostname, user: known.login, password }, signal);
  try {
    return [...state, ...(await walk(device, signIn, known))];
  } finally {
    await remove(scene, known, device.deviceId);
  }
}

interface Known {
  readonly input: { readonly OrganizationId: string; readonly UserId: string };
  readonly user: Output;
  /** What is typed on the phone: the address that was asked for, else the primary one. */
  readonly login: string;
}

async function lookUp({ session, organizations }: Scene, who: string): Promise<Known | undefined> {
  for (const { id: OrganizationId } of organizations) {
    try {
      const user = await session.user(OrganizationId, who);
      const login = who.includes('@') ? who : String(user['Email'] ?? who);
      return { input: { OrganizationId, UserId: String(user['UserId']) }, user, login };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
  return undefined;
}

function judgeState(name: string, who: string, { State }: Output): Finding[] {
  if (State === 'ENABLED') return [];
  const advice = `"mailstead user enable ${who} ADDRESS" gives it a mailbox.`;
  return [fail(name, `the user is ${State}: it has no mailbox to sign in to`, advice)];
}

async function mailboxOf({ session }: Scene, name: string, { input, user }: Known): Promise<Finding[]> {
  if (user['State'] !== 'ENABLED') return [];
  const { MailboxSize, MailboxQuota } = await session.client.call('WorkMailService.GetMailboxDetails', input);
  const [used, quota] = [Number(MailboxSize), Number(MailboxQuota)];
  const text = `the mailbox holds ${used.toFixed(0)} of ${quota} MB`;
  const advice = '"mailstead user quota USER --set MB" gives more; else its owner deletes mail.';
  if (used >= quota) return [fail(name, `${text}: it takes no more mail`, advice)];
  return [used > quota * nearlyFull ? warn(name, text, advice) : ok(name, text)];
}

/** What a phone does when it is set up, in its order, up to the first refusal. */
async function walk(device: Phone, { scene, name, user }: SignIn, known: Known): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    const url = await device.autodiscover();
    findings.push(
      url?.startsWith(scene.publicUrl) === true
        ? ok(name, `AutoDiscover names ${url}`)
        : fail(
            name,
            `AutoDiscover names ${url ?? 'no server'}`,
            'Look at public_url, and at the log of the server.',
          ),
    );
    findings.push(ok(name, `OPTIONS: it speaks ${await device.options()}`));
    findings.push(ok(name, `Provision: the policy asks for ${await device.provision()}`));
    const access = await accessOf(scene, known, device.deviceId);
    findings.push(
      access?.['AccessState'] === 'QUARANTINED'
        ? quarantined(name, user)
        : ok(name, `FolderSync: a phone sees ${await device.folderSync()} folders`),
    );
  } catch (error) {
    if (!(error instanceof Refused))
      return [...findings, fail(name, reasonOf(error), 'See the log of the server.')];
    const access = await accessOf(scene, known, device.deviceId);
    findings.push(judgeRefusal(name, error, access));
  }
  return findings;
}

/** What the server has decided of the device; undefined if it does not know it. */
async function accessOf({ session }: Scene, { input }: Known, DeviceId: string): Promise<Output | undefined> {
  return session.client.call('Mailstead.DescribeMobileDevice', { ...input, DeviceId }).catch(() => undefined);
}

/** It goes no further: with what it would see then, its user and the administrators are told of a device that is none. */
function quarantined(name: string, user: string): Finding {
  const advice = `A new phone waits until "mailstead device allow ${user} DEVICE" lets it in.`;
  return warn(name, 'quarantined: a new phone sees a message that says so, and nothing else', advice);
}

function judgeRefusal(name: string, refused: Refused, access: Output | undefined): Finding {
  if (access?.['AccessState'] === 'BLOCKED') {
    const reason = String(access['AccessReason'] ?? 'a rule');
    return fail(
      name,
      `new phones are blocked (${reason})`,
      '"mailstead device rule list" shows the rules; "mailstead device allow" lets one in.',
    );
  }
  const [found, advice] = meanings[String(refused.status ?? refused.httpStatus)] ?? [
    '',
    'See the log of the server.',
  ];
  return fail(name, found === '' ? refused.message : `${refused.message}: ${found}`, advice);
}

/** By HTTP status, or by MS-ASCMD's common status codes. */
const meanings: Readonly<Record<string, readonly [found: string, advice: string]>> = {
  '401': [
    'the password is not that of this address',
    'Try again, or set another with "mailstead user password".',
  ],
  '403': [
    'the user is disabled, or an access control rule keeps it out',
    '"mailstead user show" tells its state, "mailstead access-rule list" the rules.',
  ],
  '429': ['too many wrong passwords', 'Wait for 15 minutes.'],
  '503': ['the server has too much to do', 'Try again in a minute.'],
  '113': ['the mailbox is full', '"mailstead user quota" tells and sets how much it may hold.'],
  '126': ['the user is disabled', '"mailstead user enable" enables it.'],
  '129': ['the device is blocked', '"mailstead device rule list" shows the rules.'],
  '140': ['a wipe is asked for', '"mailstead device list" shows by whom.'],
  '177': ['the user has as many phones as are allowed', '"mailstead device remove" takes one away.'],
};

/** Nothing of the visit is left behind; of a device that the server never met there is nothing. */
async function remove({ session }: Scene, { input }: Known, DeviceId: string): Promise<void> {
  try {
    await session.client.call('Mailstead.DeleteMobileDevice', { ...input, DeviceId, Force: true });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}
