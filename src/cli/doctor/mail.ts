import type { Output } from '../admin-client.ts';
import { recordsOf, type Session } from '../session.ts';
import { formatTime } from '../table.ts';
import { type Check, type Finding, ok, warn } from './finding.ts';
import type { Scene } from './scene.ts';

const maxPages = 20;
const maxDestinations = 5;
const daySeconds = 86_400;
const longWaitSeconds = 4 * 3_600;
const oldBackupDays = 7;

/** mailChecks look at what waits to be sent, and when the last backup was made. */
export function mailChecks(scene: Scene): readonly Check[] {
  if (scene.outage !== undefined) return [];
  return [
    ...scene.organizations.map(({ id, alias }) => ({
      name: `queue ${alias}`,
      run: () => checkQueue(scene.session, id, `queue ${alias}`),
    })),
    { name: 'backup', run: async () => [await checkBackup(scene.session)] },
  ];
}

/** Pages of a list, as many as a check has time for. */
async function pagesOf(session: Session, operation: string, member: string, input: object) {
  const members: Output[] = [];
  let NextToken: unknown;
  for (let page = 0; page < maxPages; page++) {
    const output = await session.client.call(operation, { ...input, NextToken });
    members.push(...recordsOf(output[member]));
    NextToken = output['NextToken'] ?? undefined;
    if (NextToken === undefined) return { members, isWhole: true };
  }
  return { members, isWhole: false };
}

async function checkQueue(
  session: Session,
  OrganizationId: string,
  name: string,
): Promise<readonly Finding[]> {
  const { members, isWhole } = await pagesOf(session, 'Mailstead.ListQueue', 'Messages', { OrganizationId });
  if (members.length === 0) return [ok(name, 'nothing waits')];
  const oldest = Math.min(...members.map(({ AcceptedTime }) => Number(AcceptedTime)));
  const count = `${isWhole ? '' : 'over '}${members.length}`;
  const text = `${count} wait, the oldest since ${formatTime(oldest)}`;
  const failing = failuresOf(members);
  const advice = '"mailstead queue list" shows them, "mailstead queue retry ID" tries one now.';
  const isLong = Date.now() / 1000 - oldest > longWaitSeconds;
  return [
    isLong ? warn(name, text, advice) : ok(name, text),
    ...[...failing]
      .slice(0, maxDestinations)
      .map(([domain, { waiting, reply }]) =>
        warn(name, `${domain}: ${waiting} tried in vain, last "${reply}"`, advice),
      ),
    ...(failing.size > maxDestinations
      ? [warn(name, `${failing.size - maxDestinations} more destinations fail`, advice)]
      : []),
  ];
}

/** Destinations of messages that were tried in vain, the most failing first. */
function failuresOf(messages: readonly Output[]): ReadonlyMap<string, { waiting: number; reply: string }> {
  const failures = new Map<string, { waiting: number; reply: string }>();
  for (const { Attempts, Recipients } of messages) {
    if (Number(Attempts) === 0) continue;
    for (const { Address, LastReply } of recordsOf(Recipients)) {
      const domain = String(Address).split('@').at(-1) ?? '';
      const waiting = (failures.get(domain)?.waiting ?? 0) + 1;
      failures.set(domain, { waiting, reply: String(LastReply ?? 'no answer').slice(0, 100) });
    }
  }
  return new Map([...failures].sort(([, a], [, b]) => b.waiting - a.waiting));
}

/** The audit log knows of 90 days; of copies made without the server it knows nothing. */
async function checkBackup(session: Session): Promise<Finding> {
  const { members } = await pagesOf(session, 'Mailstead.ListAuditEvents', 'Events', {
    Operation: 'CreateBackup',
    Outcome: 'Success',
    MaxResults: 100,
  });
  const last = Math.max(0, ...members.map(({ Time }) => Number(Time)));
  const advice =
    'Make one with "mailstead backup FOLDER", every day if mail matters; a copy of a stopped server’s data is one too.';
  if (last === 0) return warn('backup', 'none was made by this server in the last 90 days', advice);
  const days = Math.floor((Date.now() / 1000 - last) / daySeconds);
  const text = `the last one is of ${formatTime(last)}`;
  return days > oldBackupDays ? warn('backup', text, advice) : ok('backup', text);
}
