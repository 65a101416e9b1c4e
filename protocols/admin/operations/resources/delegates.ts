import type { Directory } from '#directory/directory';
import type { EntityId } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText } from '../input.ts';
import { nextToken, pageOfIdsAsked } from '../page-token.ts';

type Resources = Directory['resources'];

/** delegateOperations are the operations on who decides for a resource. */
export function delegateOperations(resources: Resources): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.AssociateDelegateToResource': async (input) => {
      await resources.associateDelegate(organizationOf(input), ...both(input));
      return {};
    },
    'WorkMailService.DisassociateDelegateFromResource': async (input) => {
      await resources.disassociateDelegate(organizationOf(input), ...both(input));
      return {};
    },
    'WorkMailService.ListResourceDelegates': (input) => listResourceDelegates(resources, input),
  };
}

function both(input: AdminInput): readonly [resource: string, delegate: string] {
  return [requiredText(input, 'ResourceId'), requiredText(input, 'EntityId')];
}

async function listResourceDelegates(resources: Resources, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const resource = requiredText(input, 'ResourceId');
  const { after, limit } = pageOfIdsAsked<EntityId>(input, 'delegates', organization, resource);
  const page = await resources.listDelegates(organization, resource, after, limit);
  return {
    Delegates: page.rows.map(({ id, kind }) => ({ Id: id, Type: kind === 'group' ? 'GROUP' : 'USER' })),
    NextToken: nextToken(page.next, 'delegates', organization, resource),
  };
}
