import { expect, test } from 'vitest';
import { Search } from '#protocols/activesync/wbxml/code-pages/search';
import { el, textOf } from '#protocols/activesync/wbxml/element';
import { startEndpoint } from './server.ts';

test('Search: an unknown Name answers Store Status 2', async () => {
  const phone = (await startEndpoint()).phone('14.1');
  await phone.provision();
  const store = el(Search.Store, el(Search.Name, 'Attic'), el(Search.Query, 'x'));
  const { element, rootStatus } = await phone.command('Search', el(Search.Search, store));
  expect(rootStatus).toBe(1);
  expect(textOf(element, Search.Response, Search.Store, Search.Status)).toBe('2');
});
