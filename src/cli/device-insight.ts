import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Output } from './admin-client.ts';
import { recordsOf, Session, withOrganization } from './session.ts';
import { formatFields, formatTable, formatTime } from './table.ts';
import { type Terminal, UsageError } from './terminal.ts';

/** addDeviceInsight adds `device trace on|off|show` and `device recovery-password`. */
export function addDeviceInsight(device: Command, terminal: Terminal): void {
  const trace = device
    .command('trace')
    .description("keep a device's requests and answers for a while, to see what goes wrong");
  withUserAndDevice(trace.command('on'))
    .description('keep them from now on; it ends by itself')
    .option('--minutes <number>', 'for so long, at most 1440', '60')
    .action((user: string, id: string, { minutes }: { minutes: string }, command: Command) =>
      put(new Session(terminal, command), user, id, {
        Enabled: true,
        Minutes: minutesOf(minutes),
        RequestedBy: ownName(terminal),
      }),
    );
  withUserAndDevice(trace.command('off'))
    .description('keep no more; what was kept can be shown for a week')
    .action((user: string, id: string, _options, command: Command) =>
      put(new Session(terminal, command), user, id, { Enabled: false, RequestedBy: ownName(terminal) }),
    );
  withUserAndDevice(trace.command('show'))
    .description('show what was kept, in its order')
    .action(async (user: string, id: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const input = await inputOf(session, user, id);
      const first = await session.client.call('Mailstead.GetDeviceTrace', { ...input, MaxResults: 1 });
      const { Requests } = await session.client.list('Mailstead.GetDeviceTrace', 'Requests', input);
      const { NextToken: _next, ...setting } = first;
      session.show({ ...setting, Requests }, formatTrace);
    });
  withUserAndDevice(device.command('recovery-password'))
    .description('show the password that unlocks a device whose owner forgot how; the log says who asked')
    .action(async (user: string, id: string, _options, command: Command) => {
      const session = new Session(terminal, command);
      const input = { ...(await inputOf(session, user, id)), RequestedBy: ownName(terminal) };
      session.show(await session.client.call('Mailstead.GetDeviceRecoveryPassword', input), formatPassword);
    });
}

/** formatRequests writes the diary of a device, newest first. */
export function formatRequests(requests: unknown): string {
  const rows = recordsOf(requests).map((one) => [
    formatTime(one['Time']),
    one['Command'],
    one['ProtocolVersion'],
    one['HttpStatus'] ?? '-',
    one['Status'] ?? '-',
    one['PolicyKey'],
    one['WaitedMs'] ? `${one['DurationMs']} (held ${one['WaitedMs']})` : one['DurationMs'],
    `${one['BytesIn']}/${one['BytesOut']}`,
    [...recordsOf(one['Collections']).map(collectionText), moreText(one), one['Error']]
      .filter((text) => text !== undefined && text !== '')
      .join('; '),
  ]);
  const headings = ['TIME', 'COMMAND', 'VERSION', 'HTTP', 'STATUS', 'KEY', 'MS', 'IN/OUT', 'WHAT'];
  return rows.length === 0 ? '' : `\n${formatTable(headings, rows)}`;
}

/** Such as `1 (…x.7 > …x.8, 3 in, 5 out, more)`. */
function collectionText(collection: Output): string {
  const { CollectionId, KeyIn, KeyOut, Status, ItemsReceived, ItemsSent, MoreAvailable } = collection;
  const keys = [KeyIn, KeyOut].filter((key) => key !== undefined).join(' > ');
  const parts = [
    keys,
    Status === undefined || Status === 1 ? '' : `Status ${Status}`,
    ItemsReceived ? `${ItemsReceived} in` : '',
    ItemsSent ? `${ItemsSent} out` : '',
    MoreAvailable === true ? 'more' : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? String(CollectionId) : `${CollectionId} (${parts.join(', ')})`;
}

function moreText({ MoreCollections }: Output): string {
  return MoreCollections === undefined || MoreCollections === null ? '' : `${MoreCollections} more folders`;
}

function withUserAndDevice(command: Command): Command {
  return withOrganization(command)
    .argument('<user>', 'address, name or id')
    .argument('<device>', "the device's id");
}

async function put(session: Session, user: string, id: string, change: Output): Promise<void> {
  const input = { ...(await inputOf(session, user, id)), ...change };
  session.show(await session.client.call('Mailstead.PutDeviceTrace', input), formatSetting);
}

async function inputOf(session: Session, user: string, DeviceId: string): Promise<object> {
  const OrganizationId = await session.organizationId();
  return { OrganizationId, UserId: await session.userId(OrganizationId, user), DeviceId };
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (/^\d{1,4}$/.test(text) && minutes >= 1 && minutes <= 1440) return minutes;
  throw new UsageError('--minutes is a whole number from 1 to 1440.');
}

/** Who runs this, as the log is told. */
function ownName({ env }: Terminal): string {
  const sudoer = env['SUDO_USER'];
  if (sudoer !== undefined && sudoer !== '') return sudoer.slice(0, 128);
  try {
    return userInfo().username.slice(0, 128);
  } catch {
    // A container may run as a user without a name.
    return `uid ${process.getuid?.() ?? ''}`;
  }
}

function formatSetting({ Enabled, StartTime, EndTime, RequestedBy }: Output): string {
  return formatFields({
    Trace: Enabled === true ? 'on' : 'off',
    From: formatTime(StartTime) || undefined,
    Until: formatTime(EndTime) || undefined,
    By: RequestedBy,
  });
}

function formatPassword({ RecoveryPassword, SetTime }: Output): string {
  if (RecoveryPassword === undefined || RecoveryPassword === null) {
    return 'The device has given no recovery password. It does so where the policy has PasswordRecoveryEnabled.\n';
  }
  return formatFields({ 'Recovery password': RecoveryPassword, Given: formatTime(SetTime) });
}

function formatTrace(output: Output): string {
  return formatSetting(output) + recordsOf(output['Requests']).map(formatTraced).join('');
}

function formatTraced(one: Output): string {
  const missed = one['Missed'] === undefined ? '' : `(${one['Missed']} requests before were not kept)\n`;
  const waited = one['WaitedMs'] === undefined ? '' : `, of which ${one['WaitedMs']} held`;
  const error = one['Error'] === undefined ? '' : `, ${one['Error']}`;
  const title = `${formatTime(one['Time'])}  ${one['Command']} ${one['ProtocolVersion']}, ${one['DurationMs']} ms${waited}${error}`;
  return (
    `\n${missed}=== ${printable(title)}\n` +
    `> ${printable(one['Url'])}\n${headersText('> ', one['RequestHeaders'])}${block(one['Request'])}` +
    `< ${one['HttpStatus'] ?? 'no answer'}\n${headersText('< ', one['AnswerHeaders'])}${block(one['Answer'])}`
  );
}

function headersText(mark: string, headers: unknown): string {
  const entries = typeof headers === 'object' && headers !== null ? Object.entries(headers) : [];
  return entries.map(([name, value]) => `${mark}${printable(name)}: ${printable(value)}\n`).join('');
}

function block(text: unknown): string {
  return typeof text === 'string' && text !== '' ? `${printable(text)}\n` : '';
}

/** What a phone sent must not steer the terminal. */
function printable(text: unknown): string {
  return String(text ?? '').replace(/[^\P{Cc}\n\t]|\p{Bidi_C}/gu, '');
}
