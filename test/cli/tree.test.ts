/** What holds for every command there is; a new one is in it by itself. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { tempFolder } from '#test/support/temp-store';
import { createProgram } from '../../src/cli/program.ts';

const program = createProgram({
  stdin: process.stdin,
  print: () => undefined,
  complain: () => undefined,
  env: {},
  cwd: '/',
  serve: () => Promise.reject(new Error('not here')),
  visit: () => Promise.reject(new Error('not here')),
});

interface Found {
  readonly path: readonly string[];
  readonly command: Command;
}

function walk(command: Command, path: readonly string[]): Found[] {
  return [{ path, command }, ...command.commands.flatMap((one) => walk(one, [...path, one.name()]))];
}

const all = walk(program, []);
const leaves = all.filter(({ command }) => command.commands.length === 0);
const nouns = all.filter(({ command }) => command.commands.length > 0);

/** What needs no server, or is one. */
const withoutServer = ['serve', 'doctor', 'config show', 'config check', 'completion', 'version'];

/** A folder without a server, with the files that the examples name. */
async function emptyFolder(): Promise<string> {
  const folder = await tempFolder();
  const files = {
    'alice.jpg': 'jpeg',
    'alice.pem': rootCertificates[0] ?? '',
    'rules.json': '{"Rules":[]}',
    'input.json': '{}',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

/** The words of an example, as a shell reads them. */
function wordsOf(example: string): string[] {
  return [...example.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}

function exampleIn(help: string): string {
  return /\nExample:\n {2}mailstead (.*)\n$/.exec(help)?.[1] ?? '';
}

test('the tree has every noun and verb of the contract', () => {
  const paths = new Set(all.map(({ path }) => path.join(' ')));
  const contract = [
    ...['create', 'list', 'show', 'delete'].map((verb) => `org ${verb}`),
    ...['create', 'list', 'show', 'edit', 'enable', 'disable', 'delete', 'password', 'aliases'].map(
      (verb) => `user ${verb}`,
    ),
    ...['group', 'resource', 'domain', 'device trace', 'audit', 'api', 'doctor', 'version', 'serve'],
    ...['list', 'show', 'wipe', 'remove'].map((verb) => `device ${verb}`),
    ...['policy show', 'policy set', 'config show', 'config check'],
    ...['show', 'set', 'off'].map((verb) => `journaling ${verb}`),
    ...['list', 'show', 'retry', 'delete'].map((verb) => `queue ${verb}`),
    ...['create', 'list', 'delete'].map((verb) => `key ${verb}`),
  ];
  expect(contract.filter((path) => !paths.has(path))).toEqual([]);
});

test('every command and every option says what it does', () => {
  const silent = all.flatMap(({ path, command }) => [
    ...(command.description() === '' ? [path.join(' ')] : []),
    ...command.options
      .filter(({ description }) => description === '')
      .map(({ flags }) => `${path.join(' ')} ${flags}`),
  ]);
  expect(silent).toEqual([]);
});

test('--help of every command exits with 0, and shows its usage and, of what does something, an example', async () => {
  const folder = await emptyFolder();
  for (const { path, command } of all) {
    const { code, out, err } = await runCommand(folder, [...path, '--help']);
    expect({ path, code, err }).toEqual({ path, code: 0, err: '' });
    expect(out).toMatch(new RegExp(`^Usage: ${['mailstead', ...path].join(' ')} `));
    // An example is missing? It belongs into src/cli/examples.ts.
    if (command.commands.length === 0)
      expect(exampleIn(out), path.join(' ')).toMatch(new RegExp(`^${path.join(' ')}\\b`));
  }
});

test('every example is understood: without a server it exits with 1, and the sentence says how to start one', async () => {
  const folder = await emptyFolder();
  for (const { path } of leaves.filter(({ path: words }) => !withoutServer.includes(words.join(' ')))) {
    const { out: help } = await runCommand(folder, [...path, '--help']);
    const { code, out, err } = await runCommand(folder, wordsOf(exampleIn(help)), { stdin: 'Secret-1234\n' });
    expect({ path, code, out, err }).toEqual({
      path,
      code: 1,
      out: '',
      err: expect.stringMatching(
        /^No server answers at .*\. Start it with "mailstead serve", or .*--data DIR\.\n$/,
      ),
    });
  }
});

test('wrong arguments of every command exit with 2, and show the usage', async () => {
  const folder = await emptyFolder();
  for (const { path, command } of leaves) {
    const usage = `Usage: ${['mailstead', ...path].join(' ')}`;
    const wrong = [
      [...path, '--no-such-option'],
      ...(command.registeredArguments.some(({ variadic }) => variadic)
        ? []
        : [
            [
              ...path,
              ...command.registeredArguments.map(({ argChoices }) => argChoices?.[0] ?? 'x'),
              'one-more',
            ],
          ]),
      ...(command.registeredArguments.some(({ required }) => required) ? [path] : []),
    ];
    for (const args of wrong) {
      const { code, out, err } = await runCommand(folder, args);
      expect({ args, code, out }).toEqual({ args, code: 2, out: '' });
      expect(err).toMatch(/^error: /);
      expect(err).toContain(usage);
    }
  }
});

test('an unknown verb exits with 2 and shows the usage of its noun; a noun alone shows its help', async () => {
  const folder = await emptyFolder();
  for (const { path } of nouns) {
    const unknown = await runCommand(folder, [...path, 'no-such-verb']);
    expect({ path, code: unknown.code, out: unknown.out }).toEqual({ path, code: 2, out: '' });
    expect(unknown.err).toContain(`Usage: ${['mailstead', ...path].join(' ')}`);
    const alone = await runCommand(folder, path);
    expect({ path, code: alone.code }).toEqual({ path, code: 2 });
    expect(alone.err).toContain('\nCommands:\n');
  }
});

test('every list can be had with --json', () => {
  const lists = leaves.filter(({ path }) =>
    ['list', 'show', 'aliases', 'overrides'].includes(path.at(-1) ?? ''),
  );
  const without = lists
    .filter(({ command }) => !command.options.some(({ long }) => long === '--json'))
    .map(({ path }) => path.join(' '));
  expect(lists.length).toBeGreaterThan(15);
  expect(without).toEqual([]);
});
