import { envelopeAddress } from '#mime/address';
import { DomainError } from './errors.ts';
import { conditionNames, type MailRule, type RuleActions, type RuleConditions } from './mail-rule.ts';

/** A rule as its owner or an administrator gives it: its folder by path. */
export interface GivenMailRule extends Omit<MailRule, 'actions'> {
  readonly actions: Omit<RuleActions, 'moveToFolder'> & { readonly moveToFolder?: string | undefined };
}

const maxRules = 200;
/** The rules of a mailbox are one row. */
const maxRulesBytes = 48 * 1024;
/** One message leaves a mailbox by its rules to so many addresses at most. */
const maxAddresses = 20;

/**
 * Checks the rules of a mailbox and gives them with their addresses as an envelope takes them. Throws request/invalid,
 * limit/exceeded.
 */
export function checkMailRules(
  given: readonly GivenMailRule[],
  isOwn: (address: string) => boolean,
): readonly GivenMailRule[] {
  if (given.length > maxRules) throw tooMany(`A mailbox has at most ${maxRules} rules.`);
  const names = new Set(given.map(({ name }) => name));
  if (names.size < given.length) throw invalid('Two rules have the same name.');
  const rules = given.map((rule) => checkRule(rule, isOwn));
  const addresses = rules.reduce((sum, { actions: { forwardTo = [], redirectTo = [] } }) => {
    return sum + forwardTo.length + redirectTo.length;
  }, 0);
  if (addresses > maxAddresses) {
    throw tooMany(`The rules of a mailbox forward and redirect to at most ${maxAddresses} addresses in all.`);
  }
  if (Buffer.byteLength(JSON.stringify(rules)) > maxRulesBytes) {
    throw tooMany('The rules are larger than 48 KiB together.');
  }
  return rules;
}

function checkRule(rule: GivenMailRule, isOwn: (address: string) => boolean): GivenMailRule {
  const { name, conditions, exceptions, actions } = rule;
  if (name.trim() === '') throw invalid('A rule has no name.');
  for (const texts of [conditions, exceptions].flatMap(textsOf)) {
    if (texts.length === 0) throw invalid(`The rule "${name}" has an empty list: leave it out.`);
    if (texts.some((text) => text.trim() === ''))
      throw invalid(`The rule "${name}" looks for an empty text.`);
  }
  const { moveToFolder, delete: isDeleted, markAsRead, forwardTo = [], redirectTo = [] } = actions;
  if (moveToFolder !== undefined && isDeleted === true) {
    throw invalid(`The rule "${name}" moves and deletes: one of them.`);
  }
  const isIdle = moveToFolder === undefined && isDeleted !== true && markAsRead !== true;
  if (isIdle && forwardTo.length + redirectTo.length === 0) throw invalid(`The rule "${name}" does nothing.`);
  const check = (addresses: readonly string[]) => addresses.map((address) => checked(address, name, isOwn));
  return {
    ...rule,
    actions: { ...actions, forwardTo: check(forwardTo), redirectTo: check(redirectTo) },
  };
}

function checked(address: string, rule: string, isOwn: (address: string) => boolean): string {
  const found = envelopeAddress(address);
  if (found === undefined) throw invalid(`The rule "${rule}" names no address: ${address.slice(0, 320)}`);
  // What a rule sends to its own mailbox would come to the same rule again.
  if (isOwn(found)) throw invalid(`The rule "${rule}" sends to its own mailbox: ${found}`);
  return found;
}

function textsOf(conditions: RuleConditions): readonly (readonly string[])[] {
  return conditionNames.flatMap((name) => {
    const wanted = conditions[name];
    return Array.isArray(wanted) ? [wanted as readonly string[]] : [];
  });
}

function invalid(message: string): DomainError {
  return new DomainError('request/invalid', message);
}

function tooMany(message: string): DomainError {
  return new DomainError('limit/exceeded', message);
}
