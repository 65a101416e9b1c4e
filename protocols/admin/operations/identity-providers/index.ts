import type { IdentityProviders } from '#directory/identity-providers';
import type { IdentityProvider } from '#directory/kept';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { numberOf, organizationOf, requiredText, structureOf, textOf } from '../input.ts';

/** identityProviderOperations are the operations on how users sign in beside passwords. */
export function identityProviderOperations(
  providers: IdentityProviders,
): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.CreateIdentityCenterApplication': async (input) => ({
      ApplicationArn: await providers.createApplication(
        requiredText(input, 'Name'),
        requiredText(input, 'InstanceArn'),
        textOf(input, 'ClientToken'),
      ),
    }),
    'WorkMailService.DeleteIdentityCenterApplication': async (input) => {
      await providers.deleteApplication(requiredText(input, 'ApplicationArn'));
      return {};
    },
    'WorkMailService.PutIdentityProviderConfiguration': async (input) => {
      if (await providers.put(organizationOf(input), providerIn(input))) return {};
      throw new AdminError('ResourceNotFoundException', 'The application does not exist.');
    },
    'WorkMailService.DescribeIdentityProviderConfiguration': async (input) => {
      const provider = await providers.find(organizationOf(input));
      if (provider !== undefined) return answerOf(provider);
      throw new AdminError('ResourceNotFoundException', 'There is no identity provider configuration.');
    },
    'WorkMailService.DeleteIdentityProviderConfiguration': async (input) => {
      await providers.delete(organizationOf(input));
      return {};
    },
  };
}

function providerIn(input: AdminInput): IdentityProvider {
  const center = structureOf(input, 'IdentityCenterConfiguration');
  const tokens = structureOf(input, 'PersonalAccessTokenConfiguration');
  const isOnly = requiredText(input, 'AuthenticationMode') === 'IDENTITY_PROVIDER_ONLY';
  return {
    mode: isOnly ? 'IDENTITY_PROVIDER_ONLY' : 'IDENTITY_PROVIDER_AND_DIRECTORY',
    instanceArn: requiredText(center, 'InstanceArn'),
    applicationArn: requiredText(center, 'ApplicationArn'),
    tokens: requiredText(tokens, 'Status') === 'ACTIVE' ? 'ACTIVE' : 'INACTIVE',
    lifetimeDays: numberOf(tokens, 'LifetimeInDays'),
  };
}

function answerOf(provider: IdentityProvider): object {
  return {
    AuthenticationMode: provider.mode,
    IdentityCenterConfiguration: {
      InstanceArn: provider.instanceArn,
      ApplicationArn: provider.applicationArn,
    },
    PersonalAccessTokenConfiguration: { Status: provider.tokens, LifetimeInDays: provider.lifetimeDays },
  };
}
