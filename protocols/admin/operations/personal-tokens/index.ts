import type { PersonalToken } from '#directory/kept';
import type { PersonalTokens } from '#directory/personal-tokens';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { numberOf, organizationOf, requiredText, textOf, timestamp } from '../input.ts';
import { nextToken, pageAsked } from '../page-token.ts';

/** personalTokenOperations are the operations on what users sign in with in place of passwords. */
export function personalTokenOperations(tokens: PersonalTokens): Readonly<Record<string, AdminOperation>> {
  return {
    'WorkMailService.ListPersonalAccessTokens': (input) => listTokens(tokens, input),
    'WorkMailService.GetPersonalAccessTokenMetadata': async (input) => {
      const id = requiredText(input, 'PersonalAccessTokenId');
      const token = await tokens.find(organizationOf(input), id);
      if (token !== undefined) return summaryOf(token);
      throw new AdminError('ResourceNotFoundException', 'The personal access token does not exist.');
    },
    'WorkMailService.DeletePersonalAccessToken': async (input) => {
      await tokens.delete(organizationOf(input), requiredText(input, 'PersonalAccessTokenId'));
      return {};
    },
    'Mailstead.CreatePersonalAccessToken': async (input) => {
      const made = await tokens.create(organizationOf(input), {
        user: requiredText(input, 'UserId'),
        name: requiredText(input, 'Name'),
        lifetimeDays: numberOf(input, 'LifetimeInDays'),
      });
      return { ...summaryOf(made), Token: made.secret };
    },
  };
}

async function listTokens(tokens: PersonalTokens, input: AdminInput): Promise<object> {
  const organization = organizationOf(input);
  const user = textOf(input, 'UserId');
  const { after, limit } = pageAsked(input, 'personal-access-tokens', organization, user);
  const { rows, next } =
    user === undefined
      ? await tokens.list(organization, after, limit)
      : pageOf(await tokens.listOf(organization, user), after, limit);
  return {
    PersonalAccessTokenSummaries: rows.map(summaryOf),
    NextToken: nextToken(next, 'personal-access-tokens', organization, user),
  };
}

/** A page of tokens in their order; one that is gone meanwhile ends the list where it stood. */
function pageOf(tokens: readonly PersonalToken[], after: string | undefined, limit: number) {
  const [createdMs = 0, id = ''] =
    after === undefined ? [] : [Number(after.split(' ')[0]), after.split(' ')[1]];
  const isAfter = (one: PersonalToken) =>
    after === undefined || one.createdMs > createdMs || (one.createdMs === createdMs && one.id > id);
  const left = tokens.toSorted((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1)).filter(isAfter);
  const rows = left.slice(0, limit);
  const last = rows.at(-1);
  return { rows, next: left.length > limit && last ? `${last.createdMs} ${last.id}` : undefined };
}

function summaryOf(token: PersonalToken): object {
  return {
    PersonalAccessTokenId: token.id,
    UserId: token.user,
    Name: token.name,
    DateCreated: timestamp(token.createdMs),
    DateLastUsed: timestamp(token.lastUsedMs),
    ExpiresTime: timestamp(token.expiresMs),
  };
}
