import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commands } from '#protocols/activesync/commands/index';
import { type ProtocolVersion, protocolVersions } from '#protocols/activesync/protocol-version';
import { CommonStatus } from '#protocols/activesync/status';
import {
  type ConformanceRow,
  clientRows,
  conformanceSections,
  type NamedTest,
  testSource,
  testSources,
} from '#test/support/conformance-table';
import { schemaElements } from '#test/support/eas-schema-elements';
import { tokenVersions } from '#test/support/eas-versions';

/** The commands, and what is the same for all of them. */
const names = [...Object.keys(commands), 'Autodiscover', 'HTTP'];
const sections = conformanceSections();
const rows = [...sections].flatMap(([command, ofCommand]) => ofCommand.map((row) => [command, row] as const));

/** Statuses that the documents define for a command (MS-ASCMD, MS-ASPROV: Status), answered here or not. */
const defined: Readonly<Record<string, readonly number[]>> = {
  Sync: [1, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16],
  SendMail: [107, 110, 111, 113, 115, 116, 118, 119, 120, 122, 166, 167, 168, 169, 170, 171, 172],
  SmartForward: [104, 107, 110, 111, 113, 115, 116, 118, 119, 120, 122, 146, 147, 150, 166, 167, 178, 179],
  SmartReply: [104, 107, 110, 111, 113, 115, 116, 117, 118, 119, 120, 121, 122, 146, 150, 166, 167],
  FolderSync: [1, 6, 9, 10, 11, 12],
  FolderCreate: [1, 2, 3, 5, 6, 9, 10, 11, 12],
  FolderDelete: [1, 3, 4, 6, 9, 10, 11],
  FolderUpdate: [1, 2, 3, 4, 5, 6, 9, 10, 11],
  MoveItems: [1, 2, 3, 4, 5, 7],
  GetItemEstimate: [1, 2, 3, 4],
  MeetingResponse: [1, 2, 3, 4, 103, 104, 146],
  Search: [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14],
  Settings: [1, 2, 3, 4, 5, 6, 7],
  Ping: [1, 2, 3, 4, 5, 6, 7, 8],
  ItemOperations: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 105, 155, 156],
  Provision: [1, 2, 3, 4, 5, 139, 140, 141, 145, 165],
  ResolveRecipients: [1, 2, 3, 4, 5, 6, 7, 8, 160, 161, 162, 163, 173, 174, 175],
  ValidateCert: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
  Find: [1, 2, 3, 4, 173, 174, 175],
  Autodiscover: [],
  HTTP: Object.values(CommonStatus),
};

test('conformance: every command served has its section, in alphabetical order', () => {
  expect([...sections.keys()]).toEqual(names.sort());
});

test('conformance: every test that a row names is in the file that it names', () => {
  expect(
    rows.flatMap(([command, { tests, line }]) =>
      tests.filter((named) => !hasTest(named)).map(() => `${command}: ${line}`),
    ),
  ).toEqual([]);
});

test('conformance: every test that stands for a client is in the file that it names', () => {
  const clients = clientRows();
  expect(clients.length).toBeGreaterThan(40);
  expect(clients.filter(({ tests }) => !tests.every(hasTest)).map(({ line }) => line)).toEqual([]);
});

test('conformance: the test of an element names it', () => {
  expect(
    rows.flatMap(([command, row]) => unnamed(row).map((name) => `${command}: ${name}: ${row.line}`)),
  ).toEqual([]);
});

test('conformance: no row is there twice', () => {
  const said = rows.flatMap(([command, { kind, names: ofRow, versions, line }]) =>
    ofRow.map((name) => `${command} ${kind} ${name} ${kind === 'status' ? line : versions}`),
  );
  expect(said.filter((row, index) => said.indexOf(row) < index)).toEqual([]);
});

test('conformance: a row claims no version that its command or its element does not have', () => {
  const wrong = rows.filter(([command, row]) => {
    const possible = row.names.map((name) => possibleVersions(command, row.kind, name));
    return row.versions.some((version) => possible.some((known) => !known.includes(version)));
  });
  expect(wrong.map(([command, { line }]) => `${command}: ${line}`)).toEqual([]);
});

test.each([...sections.keys()])(
  'conformance: %s: every element of the schemas has its row, and no other',
  (command) => {
    for (const direction of ['request', 'response'] as const) {
      // What only versions have that the command is not served in cannot occur.
      const elements = schemaElements(direction, command).filter(
        (element) => possibleVersions(command, direction, element).length > 0,
      );
      const listed = listedIn(command, direction);
      const isListed = (element: string) =>
        listed.includes(element) || listed.includes(`${namespaceIn(element)}.*`);
      expect(
        elements.filter((element) => !isListed(element)),
        `${direction}: without a row`,
      ).toEqual([]);
      if (elements.length === 0) continue;
      // The schemas were written without what only 2.5 and 12.0 have.
      const known = [...elements, ...elements.map((element) => `${namespaceIn(element)}.*`)];
      const unknown = listed.filter((name) => !known.includes(name) && tokenVersions(name) === undefined);
      expect(unknown, `${direction}: no element`).toEqual([]);
    }
  },
);

test.each([...sections.keys()])('conformance: %s: every status has its row', async (command) => {
  const listed = listedIn(command, 'status').map(Number);
  const wanted = new Set([...(defined[command] ?? []), ...(await statusesInCode(command))]);
  expect([...wanted].filter((status) => !listed.includes(status))).toEqual([]);
});

test('conformance: only what is not served stands for a whole namespace', () => {
  const wild = rows.filter(
    ([, row]) => row.names.some((name) => name.endsWith('.*')) && row.tests.length > 0,
  );
  expect(wild.map(([command, { line }]) => `${command}: ${line}`)).toEqual([]);
});

test('conformance: the table of commands says in which versions each is served', () => {
  const readme = readFileSync('protocols/activesync/README.md', 'utf8');
  for (const { name, since, until } of Object.values(commands)) {
    const [, versions = ''] = new RegExp(`^\\| ${name} \\| [\\d-]+ \\| ([\\d.-]+)`, 'm').exec(readme) ?? [];
    const [first, last = first] = versions.split('-');
    expect([first, last], name).toEqual([since ?? '2.5', until ?? '16.1']);
  }
});

/** Whether a test of that name, and its case, is run: neither skipped nor left for later. */
function hasTest({ file, name, case: row }: NamedTest): boolean {
  const source = testSource(file);
  if (source === undefined || /\b(?:test|it|describe)\.(?:skip|todo|only|fails)\b/.test(source)) return false;
  const hasName = literals(name).some((literal) => source.replace(/\(\s+/g, '(').includes(`(${literal},`));
  return hasName && (row === undefined || literals(row).some((literal) => source.includes(literal)));
}

/** A text as a source may write it. */
function literals(text: string): string[] {
  return [`'${text.replaceAll("'", "\\'")}'`, `"${text}"`, `\`${text}\``];
}

function unnamed({ kind, names: elements, tests }: ConformanceRow): readonly string[] {
  if ((kind !== 'request' && kind !== 'response') || tests.length === 0) return [];
  const sources = tests.map(({ file }) => testSources(file)).join('\n');
  return elements.filter((element) => !new RegExp(`\\b${element.split('.')[1]}\\b`).test(sources));
}

function listedIn(command: string, kind: ConformanceRow['kind']): readonly string[] {
  return (sections.get(command) ?? []).filter((row) => row.kind === kind).flatMap((row) => row.names);
}

function namespaceIn(element: string): string {
  return element.split('.')[0] ?? '';
}

/** The versions of a command, of those the versions that know an element. */
function possibleVersions(
  command: string,
  kind: ConformanceRow['kind'],
  name: string,
): readonly ProtocolVersion[] {
  const { since = '2.5', until = '16.1' } =
    Object.values(commands).find((each) => each.name === command) ?? {};
  const first = protocolVersions.indexOf(since);
  const served = protocolVersions.slice(first, protocolVersions.indexOf(until) + 1);
  const known = kind === 'request' || kind === 'response' ? tokenVersions(name) : undefined;
  // A request without WBXML, and a wildcard, have no tokens.
  return known === undefined ? served : served.filter((version) => known.includes(version));
}

/** The command's own statuses, and the common ones that its code names. */
async function statusesInCode(command: string): Promise<number[]> {
  const folder = folderOf(command);
  if (folder === undefined) return [];
  const url = new URL(`../../protocols/activesync/commands/${folder}/`, import.meta.url);
  const files = readdirSync(url).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const sources = files.map((file) => readFileSync(new URL(file, url), 'utf8')).join('\n');
  const common = new Map<string, number>(Object.entries(CommonStatus));
  const thrown = [...sources.matchAll(/CommonStatus\.(\w+)/g)].map(([, name]) => common.get(name ?? ''));
  const own = files.includes('status.ts') ? await ownStatuses(new URL('status.ts', url)) : [];
  return [...own, ...thrown.filter((status) => status !== undefined)];
}

async function ownStatuses(file: URL): Promise<number[]> {
  const exported: Record<string, unknown> = await import(file.href);
  return Object.entries(exported)
    .filter(([name]) => name.endsWith('Status'))
    .flatMap(([, statuses]) => Object.values(statuses ?? {}))
    .filter((status) => typeof status === 'number');
}

/** The folder that a command's row of commands/index.ts is imported from. */
function folderOf(command: string): string | undefined {
  const index = readFileSync('protocols/activesync/commands/index.ts', 'utf8');
  const [, exported] = new RegExp(`^  ${command}: (\\w+),`, 'm').exec(index) ?? [];
  if (exported === undefined) return undefined;
  return new RegExp(`import \\{[^}]*\\b${exported}\\b[^}]*\\} from '\\./([\\w-]+)/`).exec(index)?.[1];
}
