import { DomainError } from '#domain/errors';

/** What a statement speaks of: patterns in which `*` stands for any characters and `?` for one. */
interface Patterns {
  /** True for NotAction and NotResource: everything but these. */
  readonly isNegated: boolean;
  readonly patterns: readonly string[];
}

/** One statement of a policy. */
interface Statement {
  readonly effect: 'Allow' | 'Deny';
  readonly actions: Patterns;
  readonly resources: Patterns;
}

/** AccessPolicy is what an access key may do (IAM JSON policy grammar, identity-based). */
export type AccessPolicy = readonly Statement[];

/** AWS allows 6,144 characters without blanks in a managed policy. */
const maxPolicyChars = 10_240;

/** The managed policies by name, as documents. What shows secrets or mail is not for readers. */
export const managedPolicies = {
  AmazonWorkMailFullAccess: [
    { Effect: 'Allow', Action: ['workmail:*', 'workmailmessageflow:*', 'mailstead:*'], Resource: '*' },
  ],
  AmazonWorkMailReadOnlyAccess: [
    {
      Effect: 'Allow',
      Action: ['Describe*', 'Get*', 'List*', 'Search*'].flatMap((verb) => [
        `workmail:${verb}`,
        `mailstead:${verb}`,
      ]),
      Resource: '*',
    },
    {
      Effect: 'Deny',
      Action: ['mailstead:GetDeviceRecoveryPassword', 'mailstead:GetDeviceTrace', 'mailstead:*AccessKey*'],
      Resource: '*',
    },
  ],
} as const;

export type ManagedPolicy = keyof typeof managedPolicies;

/** The policy of a managed policy's name. */
export function managedPolicy(name: ManagedPolicy): AccessPolicy {
  return readDocument({ Version: '2012-10-17', Statement: managedPolicies[name] });
}

/**
 * Reads a policy document (IAM JSON). A grant may be narrowed by what we do not know (Condition, policy variables), so that is
 * refused and not passed over. Throws DomainError request/invalid, which names the statement.
 */
export function readAccessPolicy(text: string): AccessPolicy {
  if (text.length > maxPolicyChars) throw malformed(`It may have ${maxPolicyChars} characters.`);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw malformed('It is not JSON.', cause);
  }
  return readDocument(document);
}

/** Whether a policy allows an action (`workmail:CreateUser`) on a resource (an ARN, or `*`): what is denied anywhere is denied. */
export function isAllowed(policy: AccessPolicy, action: string, resource: string): boolean {
  const speaking = policy.filter(
    ({ actions, resources }) => speaksOf(actions, action, 'i') && speaksOf(resources, resource, ''),
  );
  return speaking.length > 0 && speaking.every(({ effect }) => effect === 'Allow');
}

function speaksOf({ isNegated, patterns }: Patterns, value: string, flags: string): boolean {
  return patterns.some((pattern) => matches(pattern, value, flags === 'i')) !== isNegated;
}

/** Takes time in proportion to the product of both lengths at most, however many stars there are. */
function matches(pattern: string, value: string, isCaseIgnored: boolean): boolean {
  const [wanted, text] = isCaseIgnored ? [pattern.toLowerCase(), value.toLowerCase()] : [pattern, value];
  let [p, t, star, from] = [0, 0, -1, 0];
  while (t < text.length) {
    if (wanted[p] === '*') {
      star = p++;
      from = t;
    } else if (p < wanted.length && (wanted[p] === '?' || wanted[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++from;
    } else {
      return false;
    }
  }
  while (wanted[p] === '*') p++;
  return p === wanted.length;
}

function readDocument(document: unknown): AccessPolicy {
  const { Version, Id, Statement, ...others } = structure(document, 'It');
  noOthers(others, 'It');
  if (Version !== '2012-10-17' && Version !== '2008-10-17')
    throw malformed('Version has to be "2012-10-17".');
  if (Id !== undefined && typeof Id !== 'string') throw malformed('Id has to be a text.');
  const statements = Array.isArray(Statement) ? Statement : [Statement];
  if (statements.length === 0) throw malformed('It has no Statement.');
  return statements.map((statement, at) => readStatement(statement, `Statement ${at + 1}`));
}

function readStatement(statement: unknown, where: string): Statement {
  const { Sid, Effect, Action, NotAction, Resource, NotResource, ...others } = structure(statement, where);
  noOthers(others, where);
  if (Sid !== undefined && typeof Sid !== 'string') throw malformed(`${where}: Sid has to be a text.`);
  if (Effect !== 'Allow' && Effect !== 'Deny') {
    throw malformed(`${where}: Effect has to be "Allow" or "Deny".`);
  }
  const actions = readPatterns(Action, NotAction, 'Action', where);
  for (const action of actions.patterns) {
    if (action !== '*' && !/^[a-z0-9-]+:[a-z0-9*?]+$/i.test(action)) {
      throw malformed(`${where}: "${action.slice(0, 100)}" is no action: it looks like workmail:CreateUser.`);
    }
  }
  const resources = readPatterns(Resource, NotResource, 'Resource', where);
  for (const resource of resources.patterns) {
    if (resource.includes('${')) throw malformed(`${where}: policy variables are not known here.`);
    if (!/^(?:\*|arn:.*)$/s.test(resource)) {
      throw malformed(`${where}: "${resource.slice(0, 100)}" is no resource: it is * or begins with arn:.`);
    }
  }
  const patterns = resources.patterns.map(inThisServer);
  return { effect: Effect, actions, resources: { ...resources, patterns } };
}

/**
 * An ARN of an organisation, whatever region and account it has: ids of organisations are theirs alone, and a Deny that is
 * written as for AWS must not be one of nothing.
 */
function inThisServer(resource: string): string {
  return resource.replace(
    /^arn:[^:]*:workmail:[\w*?-]*:[\d*?]*:(?=organization\/)/,
    'arn:aws:workmail:local:000000000000:',
  );
}

function readPatterns(given: unknown, others: unknown, name: string, where: string): Patterns {
  if ((given === undefined) === (others === undefined)) {
    throw malformed(`${where}: it has either ${name} or Not${name}.`);
  }
  const list = given ?? others;
  const patterns = Array.isArray(list) ? list : [list];
  if (patterns.length === 0) throw malformed(`${where}: ${name} is empty.`);
  return {
    isNegated: given === undefined,
    patterns: patterns.map((pattern: unknown) => {
      if (typeof pattern === 'string' && pattern !== '') return pattern;
      throw malformed(`${where}: ${name} has to be a text or a list of texts.`);
    }),
  };
}

function structure(value: unknown, where: string): { readonly [member: string]: unknown } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw malformed(`${where} has to be a structure.`);
}

function noOthers(others: object, where: string): void {
  const [first] = Object.keys(others);
  if (first !== undefined) throw malformed(`${where}: ${first.slice(0, 100)} is not known here.`);
}

function malformed(reason: string, cause?: unknown): DomainError {
  return new DomainError('request/invalid', `The policy document is malformed. ${reason}`, { cause });
}
