import type { Availability } from '#directory/availability';
import type { AvailabilityConfiguration, AvailabilityProvider } from '#directory/kept';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, structureOf, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

/** availabilityOperations are the operations on whom to ask when people of other domains are free. */
export function availabilityOperations(availability: Availability): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.CreateAvailabilityConfiguration': async (input) => {
      const [domain, token] = [requiredText(input, 'DomainName'), textOf(input, 'ClientToken')];
      await availability.create(organizationOf(input), domain, oneProviderIn(input), token);
      return {};
    },
    'WorkMailService.UpdateAvailabilityConfiguration': async (input) => {
      const domain = requiredText(input, 'DomainName');
      if (await availability.update(organizationOf(input), domain, oneProviderIn(input))) return {};
      throw unknownDomain();
    },
    'WorkMailService.DeleteAvailabilityConfiguration': async (input) => {
      await availability.delete(organizationOf(input), requiredText(input, 'DomainName'));
      return {};
    },
    'WorkMailService.ListAvailabilityConfigurations': async (input) => {
      const organization = organizationOf(input);
      const { after, limit } = pageAsked(input, 'availability-configurations', organization);
      const { rows, next } = await availability.list(organization, after, limit);
      return {
        AvailabilityConfigurations: rows.map(write),
        NextToken: nextToken(next, 'availability-configurations', organization),
      };
    },
    'WorkMailService.TestAvailabilityConfiguration': (input) => test(availability, input),
  };
}

/** Nobody is asked: a test that passed would say that the calendars of others are seen. */
async function test(availability: Availability, input: AdminInput): Promise<object> {
  const domain = textOf(input, 'DomainName');
  const given = providersIn(input);
  if (given.length + (domain === undefined ? 0 : 1) !== 1) {
    throw new AdminError(
      'InvalidParameterException',
      'Give one of DomainName, EwsProvider and LambdaProvider.',
    );
  }
  const known = await availability.find(organizationOf(input), domain);
  const provider = given[0] ?? known?.provider;
  if (provider === undefined) throw unknownDomain();
  const asked = provider.kind === 'EWS' ? 'EWS servers' : 'AWS Lambda';
  return { TestPassed: false, FailureReason: `This server does not ask ${asked} for availability yet.` };
}

function oneProviderIn(input: AdminInput): AvailabilityProvider {
  const [provider, other] = providersIn(input);
  if (provider !== undefined && other === undefined) return provider;
  throw new AdminError('InvalidParameterException', 'Give either EwsProvider or LambdaProvider.');
}

function providersIn(input: AdminInput): readonly AvailabilityProvider[] {
  const [ews, lambda] = [structureOf(input, 'EwsProvider'), structureOf(input, 'LambdaProvider')];
  const providers: AvailabilityProvider[] = [];
  if (input['EwsProvider'] !== undefined) {
    providers.push({
      kind: 'EWS',
      endpoint: requiredText(ews, 'EwsEndpoint'),
      username: requiredText(ews, 'EwsUsername'),
      password: requiredText(ews, 'EwsPassword'),
    });
  }
  if (input['LambdaProvider'] !== undefined) {
    providers.push({ kind: 'LAMBDA', arn: requiredText(lambda, 'LambdaArn') });
  }
  return providers;
}

function write({ domain, provider, createdMs, modifiedMs }: AvailabilityConfiguration): object {
  return {
    DomainName: domain,
    ProviderType: provider.kind,
    ...(provider.kind === 'EWS'
      ? { EwsProvider: { EwsEndpoint: provider.endpoint, EwsUsername: provider.username } }
      : { LambdaProvider: { LambdaArn: provider.arn } }),
    DateCreated: timestamp(createdMs),
    DateModified: timestamp(modifiedMs),
  };
}

function unknownDomain(): AdminError {
  return new AdminError('ResourceNotFoundException', 'The domain has no availability configuration.');
}
