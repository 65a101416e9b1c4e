/** Whether the tests that a row of the conformance table names have spoken the versions that it claims. */
import { type ProtocolVersion, protocolVersions } from '#protocols/activesync/protocol-version';
import { type ConformanceRow, conformanceSections, type NamedTest } from './conformance-table.ts';

/** A test that was run: its file from test/activesync on, and what its phones spoke, as `Sync 14.1`. */
export interface RunTest {
  readonly file: string;
  readonly name: string;
  readonly spoken: readonly string[];
}

/** What a row claims and none of its tests has spoken. */
export interface Unspoken {
  readonly command: string;
  readonly row: ConformanceRow;
  readonly versions: readonly ProtocolVersion[];
}

/** Sections whose requests have no version. */
const versionless = ['Autodiscover'];

/** Looks at the rows all of whose files were run. A test beside the code has no phone: it says itself of which versions it is. */
export function unspokenRows(tests: readonly RunTest[]): readonly Unspoken[] {
  const files = new Set(tests.map(({ file }) => file).filter((file) => !file.startsWith('../../')));
  return [...conformanceSections()]
    .filter(([command]) => !versionless.includes(command))
    .flatMap(([command, rows]) =>
      rows
        .filter(
          (row) => !row.isOfAll && row.tests.length > 0 && row.tests.every(({ file }) => files.has(file)),
        )
        .map((row) => ({ command, row, versions: unspoken(command, row, tests) })),
    )
    .filter(({ versions }) => versions.length > 0);
}

function unspoken(
  command: string,
  row: ConformanceRow,
  tests: readonly RunTest[],
): readonly ProtocolVersion[] {
  const shown = tests.filter((test) => row.tests.some((named) => isRunOf(named, test)));
  // A rule may be about what becomes of the other commands.
  const isOfAny = command === 'HTTP' || row.kind === 'rule';
  const said = new Set(
    shown.flatMap(({ spoken }) => spoken.filter((one) => isOfAny || one.startsWith(`${command} `))),
  );
  const versions = protocolVersions.filter((version) => [...said].some((one) => one.endsWith(` ${version}`)));
  return missing(row.versions, versions);
}

/** What a row says of an element, and what was seen. */
export interface Unseen {
  readonly command: string;
  readonly row: ConformanceRow;
  readonly element: string;
  /** In which nobody was told of it, or of one that is said not to be served: in which somebody was. */
  readonly versions: readonly ProtocolVersion[];
}

/**
 * Elements that rows claim and no document of the run had (`response Sync 14.1 Email.Subject`), and elements that were answered
 * though their row says that they are not served. Looks at the rows of commands all of whose files were run.
 */
export function unseenElements(
  files: ReadonlySet<string>,
  documents: ReadonlySet<string>,
): readonly Unseen[] {
  return [...conformanceSections()]
    .filter(([command, rows]) => !versionless.includes(command) && rows.every((row) => wasRun(row, files)))
    .flatMap(([command, rows]) => rows.flatMap((row) => unseenOf(command, row, documents)));
}

function wasRun({ tests }: ConformanceRow, files: ReadonlySet<string>): boolean {
  return tests.every(({ file }) => file.startsWith('../') || files.has(file));
}

function unseenOf(command: string, row: ConformanceRow, documents: ReadonlySet<string>): readonly Unseen[] {
  const { kind, names, tests, versions } = row;
  const isServed = tests.length > 0;
  if ((kind !== 'request' && kind !== 'response') || (kind === 'request' && !isServed)) return [];
  return names.flatMap((element) => {
    if (element.endsWith('.*')) return [];
    const seen = versions.filter((version) => documents.has(`${kind} ${command} ${version} ${element}`));
    const wrong = isServed ? missing(versions, seen) : seen;
    return wrong.length === 0 ? [] : [{ command, row, element, versions: wrong }];
  });
}

/** Of what a row claims the first and the last version, and any of each generation between. */
function missing(
  claimed: readonly ProtocolVersion[],
  spoken: readonly ProtocolVersion[],
): readonly ProtocolVersion[] {
  const generations = Map.groupBy(claimed, (version) => version.split('.')[0]);
  const ends = [claimed[0], claimed.at(-1)];
  return [...generations.values()].flatMap((generation) => {
    const wanted = generation.filter((version) => ends.includes(version));
    const open = wanted.filter((version) => !spoken.includes(version));
    return wanted.length > 0 || generation.some((version) => spoken.includes(version)) ? open : generation;
  });
}

function isRunOf({ file, name, case: row }: NamedTest, test: RunTest): boolean {
  if (file !== test.file) return false;
  const pattern = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/%[sijd]|\$\w+/g, '.*');
  return new RegExp(`^${pattern}$`, 's').test(test.name) && (row === undefined || test.name.includes(row));
}
