import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codePages, tagAt } from './index.ts';

interface TableOfTokens {
  readonly pages: readonly {
    readonly page: number;
    readonly namespace: string;
    readonly tokens: readonly { readonly token: string; readonly tag: string }[];
  }[];
}

const fixture = new URL('../../../../test/fixtures/eas/codepages.json', import.meta.url);
const table: TableOfTokens = JSON.parse(readFileSync(fixture, 'utf8'));

describe('the code pages against the table of MS-ASWBXML', () => {
  it('are as many as the table has', () => {
    expect(codePages.length).toBe(table.pages.length);
  });

  it.each(table.pages)('page $page is $namespace, tag for tag', ({ page, namespace, tokens }) => {
    const expected = tokens.map(({ token, tag }) => ({ page, namespace, token: Number(token), name: tag }));
    const entries = Object.entries(codePages[page] ?? {});
    expect(entries.map(([, tag]) => tag)).toEqual(expected);
    for (const [name, tag] of entries) expect(tag.name).toBe(name);
  });

  it('give for every token of every page the tag of the table, and nothing for the rest', () => {
    for (let page = 0; page < 256; page++) {
      const tokens = table.pages.find((candidate) => candidate.page === page)?.tokens ?? [];
      for (let token = 0; token < 64; token++) {
        const row = tokens.find((candidate) => Number(candidate.token) === token);
        const tag = tagAt(page, token);
        expect(tag?.name).toBe(row?.tag);
        if (tag !== undefined) expect(codePages[page]?.[tag.name]).toBe(tag);
      }
    }
  });
});
