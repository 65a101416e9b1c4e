import { expect, test } from 'vitest';
import type { OrganizationId } from '#domain/ids';
import { AnswersByOrganization, Changes } from './answers-by-organization.ts';

const [one, two] = ['m-1', 'm-2'] as OrganizationId[] as [OrganizationId, OrganizationId];

test('a change of an organisation forgets its own answers, and no other’s', () => {
  const changes = new Changes();
  const answers = new AnswersByOrganization<string, number>(10, changes);
  answers.set('a', one, 1);
  answers.set('b', two, 2);
  changes.add(one);
  expect([answers.get('a'), answers.get('b')]).toEqual([undefined, 2]);
  answers.set('a', one, 3);
  expect(answers.get('a')).toBe(3);
});

test('no more answers are kept than the limit: those used last', () => {
  const answers = new AnswersByOrganization<string, number>(2, new Changes());
  answers.set('a', one, 1);
  answers.set('b', one, 2);
  answers.get('a');
  answers.set('c', two, 3);
  expect(['a', 'b', 'c'].map((key) => answers.get(key))).toEqual([1, undefined, 3]);
});
