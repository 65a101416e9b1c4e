import type { Directory } from '#directory/directory';
import type { BookingOptions, Resource, ResourceType } from '#directory/resource';
import type { EntityId } from '#domain/ids';
import type { AdminOperation } from '../../endpoint.ts';
import { answeringAs } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { flagOf, organizationOf, requiredText, structureOf, textOf, timestamp } from '../input.ts';
import { entityFilter, oneFilter } from '../list-filter.ts';
import { nextToken, pageOfIdsAsked } from '../page-token.ts';
import { delegateOperations } from './delegates.ts';

/** resourceOperations are the operations on rooms and equipment. */
export function resourceOperations({
  resources,
}: Pick<Directory, 'resources'>): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.CreateResource': (input) => createResource(resources, input),
    'WorkMailService.DescribeResource': (input) => describeResource(resources, input),
    'WorkMailService.UpdateResource': (input) => updateResource(resources, input),
    'WorkMailService.DeleteResource': (input) => deleteResource(resources, input),
    'WorkMailService.ListResources': (input) => listResources(resources, input),
    ...delegateOperations(resources),
  };
}

type Resources = Directory['resources'];

async function createResource(resources: Resources, input: AdminInput): Promise<object> {
  const id = await resources.create(organizationOf(input), {
    name: requiredText(input, 'Name'),
    type: requiredText(input, 'Type') as ResourceType,
    description: textOf(input, 'Description'),
    hiddenFromGlobalAddressList: flagOf(input, 'HiddenFromGlobalAddressList'),
  });
  return { ResourceId: id };
}

async function describeResource(resources: Resources, input: AdminInput): Promise<object> {
  const resource = await resources.describe(organizationOf(input), requiredText(input, 'ResourceId'));
  const { acceptsRequests, declinesRecurring, declinesConflicting } = resource.booking;
  return {
    ResourceId: resource.id,
    ...summaryOf(resource),
    BookingOptions: {
      AutoAcceptRequests: acceptsRequests,
      AutoDeclineRecurringRequests: declinesRecurring,
      AutoDeclineConflictingRequests: declinesConflicting,
    },
    HiddenFromGlobalAddressList: resource.hiddenFromGlobalAddressList,
  };
}

async function updateResource(resources: Resources, input: AdminInput): Promise<object> {
  const [name, type] = [textOf(input, 'Name'), textOf(input, 'Type')];
  const description = textOf(input, 'Description');
  const hidden = input['HiddenFromGlobalAddressList'];
  const updated = resources.update(organizationOf(input), requiredText(input, 'ResourceId'), {
    ...(name !== undefined && { name }),
    ...(type !== undefined && { type: type as ResourceType }),
    ...(description !== undefined && { description }),
    ...(typeof hidden === 'boolean' && { hiddenFromGlobalAddressList: hidden }),
    ...(input['BookingOptions'] !== undefined && {
      booking: bookingOf(structureOf(input, 'BookingOptions')),
    }),
  });
  await answeringAs({ 'name/reserved': 'NameAvailabilityException' }, updated);
  return {};
}

/** What is absent is false: SDKs with typed models leave out what is false. */
function bookingOf(options: AdminInput): BookingOptions {
  return {
    acceptsRequests: flagOf(options, 'AutoAcceptRequests'),
    declinesRecurring: flagOf(options, 'AutoDeclineRecurringRequests'),
    declinesConflicting: flagOf(options, 'AutoDeclineConflictingRequests'),
  };
}

async function deleteResource(resources: Resources, input: AdminInput): Promise<object> {
  await resources.delete(organizationOf(input), requiredText(input, 'ResourceId'));
  return {};
}

async function listResources(resources: Resources, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const filters = oneFilter(input);
  const { after, limit } = pageOfIdsAsked<EntityId>(input, 'resources', organization, filters);
  const page = await resources.list(organization, entityFilter(filters), after, limit);
  return {
    Resources: page.rows.map((resource) => ({ Id: resource.id, ...summaryOf(resource) })),
    NextToken: nextToken(page.next, 'resources', organization, filters),
  };
}

function summaryOf(resource: Resource): object {
  return {
    // Addresses are an enabled resource's.
    Email: resource.state === 'ENABLED' ? resource.addresses[0] : undefined,
    Name: resource.name,
    Type: resource.type,
    Description: resource.description,
    State: resource.state,
    EnabledDate: timestamp(resource.enabledMs),
    DisabledDate: timestamp(resource.disabledMs),
  };
}
