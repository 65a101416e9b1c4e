import type { Directory } from '#directory/directory';
import { answeringAs } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

/** createAlias: CreateAlias gives an enabled entity one more address. */
export async function createAlias(directory: Directory, input: AdminInput): Promise<object> {
  const alias = requiredText(input, 'Alias');
  await directory.createAlias(organizationOf(input), requiredText(input, 'EntityId'), alias);
  return {};
}

/** deleteAlias: DeleteAlias takes an alias away; one that there is not is done. */
export async function deleteAlias(directory: Directory, input: AdminInput): Promise<object> {
  const alias = requiredText(input, 'Alias');
  await directory.deleteAlias(organizationOf(input), requiredText(input, 'EntityId'), alias);
  return {};
}

/** updatePrimaryEmailAddress: UpdatePrimaryEmailAddress chooses another primary address; the old one becomes an alias. */
export async function updatePrimaryEmailAddress(directory: Directory, input: AdminInput): Promise<object> {
  const email = requiredText(input, 'Email');
  const entity = requiredText(input, 'EntityId');
  const updated = directory.updatePrimaryAddress(organizationOf(input), entity, email);
  await answeringAs({ 'limit/exceeded': 'InvalidParameterException' }, updated);
  return {};
}

/** listAliases: ListAliases answers every address in order, the primary one among them. */
export async function listAliases(directory: Directory, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const entity = requiredText(input, 'EntityId');
  const { after, limit } = pageAsked(input, 'aliases', organization, entity);
  const aliases = await directory.listAliases(organization, entity);
  const rest = aliases.filter((alias) => after === undefined || alias > after);
  const page = rest.slice(0, limit);
  const last = rest.length > limit ? page.at(-1) : undefined;
  return { Aliases: page, NextToken: nextToken(last, 'aliases', organization, entity) };
}
