import type { Directory } from '#directory/directory';
import type { OrganizationId } from '#domain/ids';
import { organizationIn } from '../../caller.ts';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError, answeringAs } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { requiredText, structuresOf, textsOf } from '../input.ts';

/** tagOperations are the operations on the tags of organisations, which go by their ARNs. */
export function tagOperations({ tags }: Pick<Directory, 'tags'>): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.TagResource': async (input) => {
      const put = tags.put(organizationOf(input), tagsIn(input));
      await ofResource(put, { 'limit/exceeded': 'TooManyTagsException' });
      return {};
    },
    'WorkMailService.UntagResource': async (input) => {
      await ofResource(tags.delete(organizationOf(input), textsOf(input, 'TagKeys') ?? []));
      return {};
    },
    'WorkMailService.ListTagsForResource': async (input) => {
      const found = await ofResource(tags.list(organizationOf(input)));
      return { Tags: [...found].map(([Key, Value]) => ({ Key, Value })) };
    },
  };
}

function organizationOf(input: AdminInput): OrganizationId {
  const organization = organizationIn(input);
  if (organization !== undefined) return organization;
  throw new AdminError('ResourceNotFoundException', 'The resource does not exist.');
}

function tagsIn(input: AdminInput): ReadonlyMap<string, string> {
  const given = structuresOf(input, 'Tags');
  const tags = new Map(given.map((tag) => [requiredText(tag, 'Key'), requiredText(tag, 'Value')]));
  if (tags.size === given.length) return tags;
  throw new AdminError('InvalidParameterException', 'A key stands in the tags twice.');
}

function ofResource<Result>(
  work: Promise<Result>,
  types: Parameters<typeof answeringAs>[0] = {},
): Promise<Result> {
  return answeringAs({ 'organization/not-found': 'ResourceNotFoundException', ...types }, work);
}
