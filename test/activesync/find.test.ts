import { expect, test } from 'vitest';
import { Find } from '#protocols/activesync/wbxml/code-pages/find';
import { el, textOf } from '#protocols/activesync/wbxml/element';
import { startEndpoint } from './server.ts';

test('Find: a search without a criterion answers Status 2', async () => {
  const phone = (await startEndpoint()).phone('16.1');
  await phone.provision();
  const request = el(Find.Find, el(Find.SearchId, 'a'), el(Find.ExecuteSearch));
  const { element } = await phone.command('Find', request, { validateRequest: false });
  expect(textOf(element, Find.Status)).toBe('2');
});
