import { existsSync, readFileSync } from 'node:fs';
import { type ProtocolVersion, protocolVersions } from '#protocols/activesync/protocol-version';

const readme = new URL('../../protocols/activesync/README.md', import.meta.url);
const testFolder = new URL('../activesync/', import.meta.url);

/** A row of a command's section under `## Conformance`: `| element or status | versions | test |`. */
export interface ConformanceRow {
  readonly line: string;
  /** What the row is about. */
  readonly kind: 'request' | 'response' | 'status' | 'rule';
  /** Elements as `Namespace.Element` or `Namespace.*`; a status's number; the words of a rule. */
  readonly names: readonly string[];
  readonly versions: readonly ProtocolVersion[];
  /** It is about what comes before the version of a request is read. */
  readonly isOfAll: boolean;
  /** The tests that show it; none: it is not served, and the row says why. */
  readonly tests: readonly NamedTest[];
}

/** `file.test.ts: name`, or `file.test.ts: name › case` for one row of a test.each; all as the source spells them. */
export interface NamedTest {
  readonly file: string;
  readonly name: string;
  readonly case: string | undefined;
}

/** The sections under `## Conformance`, by command, in their order. Throws at a row that has not the agreed form. */
export function conformanceSections(): ReadonlyMap<string, readonly ConformanceRow[]> {
  const [, part = ''] = readFileSync(readme, 'utf8').split(/^## Conformance$/m);
  const [conformance = ''] = part.split(/^## /m);
  const sections = new Map<string, readonly ConformanceRow[]>();
  for (const section of conformance.split(/^### /m).slice(1)) {
    const [command = '', ...lines] = section.split('\n');
    if (sections.has(command)) throw new Error(`Two sections of ${command}`);
    const rows = lines.filter((line) => /^\| (?!element or status |---)/.test(line));
    sections.set(command, rows.map(readRow));
  }
  return sections;
}

/** The tests of each row under `## Clients as they are`: `| client | what it does | test |`. */
export function clientRows(): readonly Pick<ConformanceRow, 'line' | 'tests'>[] {
  const [, part = ''] = readFileSync(readme, 'utf8').split(/^## Clients as they are$/m);
  const [table = ''] = part.split(/^## /m);
  const lines = table.split('\n').filter((line) => /^\| (?!client |---)/.test(line));
  return lines.map((line) => ({ line, tests: readTests(cellsOf(line)[2] ?? '', line) }));
}

function readRow(line: string): ConformanceRow {
  const [what, versions, shown, ...more] = cellsOf(line);
  if (what === undefined || versions === undefined || shown === undefined || more.length > 0) {
    throw new Error(`Not three cells: ${line}`);
  }
  return {
    line,
    ...readSubject(what),
    versions: readVersions(versions),
    isOfAll: versions === 'all',
    tests: readTests(shown, line),
  };
}

/** The cells of a row; a bar within one is written as `\|`. */
function cellsOf(line: string): string[] {
  const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
  return cells.slice(1, -1);
}

function readSubject(cell: string): Pick<ConformanceRow, 'kind' | 'names'> {
  const [, kind, names = ''] = /^(request|response|rule): (.+)$/.exec(cell) ?? [];
  if (kind === 'rule') return { kind, names: [names] };
  if (kind === 'request' || kind === 'response') return { kind, names: names.split(', ') };
  const [, status] = /^Status (\d+)(?: \([^)]+\))?$/.exec(cell) ?? [];
  if (status === undefined) throw new Error(`Neither element nor status nor rule: ${cell}`);
  return { kind: 'status', names: [status] };
}

/** `14.1`, `14.0-16.1`, or several of them with commas; `all` for what comes before the version is read. */
function readVersions(cell: string): readonly ProtocolVersion[] {
  if (cell === 'all') return protocolVersions;
  return cell.split(', ').flatMap((range) => {
    const [first, last = first] = range.split('-').map(versionIndex);
    if (first === undefined || last === undefined || last < first) throw new Error(`No versions: ${cell}`);
    return protocolVersions.slice(first, last + 1);
  });
}

function versionIndex(text: string): number {
  const known: readonly string[] = protocolVersions;
  const index = known.indexOf(text);
  if (index < 0) throw new Error(`No version: ${text}`);
  return index;
}

function readTests(cell: string, line: string): NamedTest[] {
  if (/^not served: \S/.test(cell)) return [];
  return cell.split('<br>').map((test) => {
    const [, file, name, row] = /^(\S+\.test\.ts): (.+?)(?: › (.+))?$/.exec(test.trim()) ?? [];
    if (file === undefined || name === undefined) throw new Error(`No test: ${line}`);
    return { file, name, case: row };
  });
}

const sources = new Map<string, string>();

/** A test file's text; undefined when there is none. `file` is relative to test/activesync. */
export function testSource(file: string): string | undefined {
  return sourceAt(new URL(file, testFolder));
}

/** A test file's text and that of what it imports of the tests' own, where elements are often written. */
export function testSources(file: string): string {
  const seen = new Set<string>();
  const texts: string[] = [];
  const waiting = [new URL(file, testFolder)];
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (seen.has(url.href)) continue;
    seen.add(url.href);
    const text = sourceAt(url) ?? '';
    texts.push(text);
    for (const [, path = ''] of text.matchAll(/from '(\.[^']+|#test\/[^']+)'/g)) {
      const shared = path.startsWith('#')
        ? new URL(`../${path.slice('#test/'.length)}.ts`, testFolder)
        : undefined;
      waiting.push(shared ?? new URL(path, url));
    }
  }
  return texts.join('\n');
}

function sourceAt(url: URL): string | undefined {
  const known = sources.get(url.href);
  if (known !== undefined || !existsSync(url)) return known;
  const text = readFileSync(url, 'utf8');
  sources.set(url.href, text);
  return text;
}
