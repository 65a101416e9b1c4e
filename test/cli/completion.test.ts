import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { runCommand } from '#test/support/command-line';
import { tempFolder } from '#test/support/temp-store';

async function script(shell: string): Promise<{ readonly text: string; readonly file: string }> {
  const folder = await tempFolder();
  const { code, out, err } = await runCommand(folder, ['completion', shell]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const file = join(folder, `completion.${shell}`);
  await writeFile(file, out);
  return { text: out, file };
}

/** What a real bash offers behind these words; the last one is being typed. */
async function offeredBy(file: string, lines: readonly (readonly string[])[]): Promise<string[][]> {
  const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');
  const asks = lines.map(
    (words) =>
      `COMP_WORDS=(mailstead ${quoted(words)}); COMP_CWORD=${words.length}; _mailstead; echo "\${COMPREPLY[*]}"`,
  );
  const { stdout } = await promisify(execFile)('bash', ['-euc', [`source ${file}`, ...asks].join('\n')]);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').filter((word) => word !== ''));
}

test('completion bash: nouns, verbs, options and what they choose from, by bash itself', async () => {
  const { file } = await script('bash');
  const lines = [
    ['o'],
    ['user', 'cr'],
    ['user', 'create', '--dis'],
    ['device', 'trace', ''],
    ['--data', 'user', 'que'],
    ['user', 'list', '--org', 'group', '--j'],
    ['key', 'create', 'name', '--policy', ''],
    ['key', 'create', 'name', '--policy', '=', 're'],
    ['completion', ''],
    ['user', 'photo', ''],
    ['user', 'list', '--org', ''],
    ['--'],
  ];
  expect(await offeredBy(file, lines)).toEqual([
    ['org'],
    ['create'],
    ['--display-name'],
    ['on', 'off', 'show'],
    ['queue'],
    ['--json'],
    ['full', 'read-only'],
    ['read-only'],
    ['bash', 'zsh', 'fish'],
    expect.any(Array),
    [],
    ['--data', '--config', '--help'],
  ]);
});

test('completion bash: every command of the tree is offered at its place', async () => {
  const { file, text } = await script('bash');
  const paths = [...text.matchAll(/^ {6}'( [^']+)'\) commands=/gm)].map(([, path = '']) =>
    path.trim().split(' '),
  );
  expect(paths.length).toBeGreaterThan(80);
  expect(await offeredBy(file, paths)).toEqual(paths.map((path) => expect.arrayContaining(path.slice(-1))));
});

const hasShell = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;

test.each(['zsh', 'fish'])(
  'completion %s: each command stands there with what it does, and the quotes are even',
  async (shell) => {
    const { text, file } = await script(shell);
    const bare = text.replace(/\\[\\']/g, '');
    expect(bare.match(/'/g)?.length).toSatisfy((count: number) => count % 2 === 0);
    for (const word of ['create', 'rotate-dkim', 'read-only', 'set a user']) expect(text).toContain(word);
    expect(text).toContain(shell === 'zsh' ? "(' user list')" : "__mailstead_at \\' user list\\'");
    if (hasShell(shell)) expect(spawnSync(shell, ['-n', file]).stderr.toString()).toBe('');
  },
);

test('completion: another shell is wrong usage', async () => {
  const { code, out, err } = await runCommand(await tempFolder(), ['completion', 'cmd']);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain('Allowed choices are bash, zsh, fish');
});
