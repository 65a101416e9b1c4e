import { access, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { commands } from '#protocols/activesync/commands/index';
import { commandCodes } from '#protocols/activesync/request-line';

/** The rows of the conformance table: command, code, versions, tests, missing. */
async function table(): Promise<string[][]> {
  const readme = await readFile('protocols/activesync/README.md', 'utf8');
  const rows = readme.split('\n').filter((line) => /^\| [A-Z]\w+ \| (?:\d+|-) \|/.test(line));
  return rows.map((row) => row.split('|').map((cell) => cell.trim())).map((cells) => cells.slice(1, -1));
}

test('the conformance table lists exactly the commands served, with their codes', async () => {
  // Autodiscover has an endpoint of its own.
  const rows = (await table()).filter(([name]) => name !== 'Autodiscover');
  const listed = rows.map(([name, code]) => `${name} ${code}`);
  expect(listed).toEqual(Object.values(commands).map(({ name, code }) => `${name} ${code ?? '-'}`));
  expect(Object.keys(commands)).toEqual(Object.values(commands).map(({ name }) => name));
  for (const { name, code } of Object.values(commands)) expect(commandCodes[name]).toBe(code);
});

test('every test that the table names is there', async () => {
  for (const [, , , tests = ''] of await table()) {
    const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file]) => file ?? '');
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) await access(file);
  }
});
