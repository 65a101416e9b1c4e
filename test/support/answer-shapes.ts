/** Answers of the WorkMail API held against its model, as a client with strict types would take them. */
import { readFileSync } from 'node:fs';
import type { Model } from '#protocols/admin/shape';

interface AnsweringModel extends Model {
  readonly operations: Readonly<
    Record<
      string,
      {
        readonly input?: { readonly shape: string };
        readonly output?: { readonly shape: string };
        readonly errors?: readonly { readonly shape: string }[];
      }
    >
  >;
}

/** The service model, with what its operations answer. */
export const workMailModel = JSON.parse(
  readFileSync(new URL('../../protocols/admin/service-model.json', import.meta.url), 'utf8'),
) as AnsweringModel;

/** What we answer beside the model, as protocols/admin/README.md says; AWS's clients pass over it. */
const ours: Readonly<Record<string, readonly string[]>> = {
  DescribeOrganizationResponse: ['RemovalDate'],
  DnsRecord: ['Purpose', 'Optional', 'Status', 'Advice', 'KeyState', 'KeepUntil'],
  GetMailDomainResponse: [
    'AcceptsMail',
    'CheckedTime',
    'SlowNameServers',
    'RoleAddresses',
    'OwnershipMissingSince',
    'MailRefusedFrom',
  ],
  MailDomainSummary: ['AcceptsMail', 'OwnershipMissingSince', 'MailRefusedFrom'],
};

/** A key of 2048 bits has no room in the model's 256 characters; AWS has names of its own instead (CNAME). */
const dkimKey = /^v=DKIM1; k=rsa; p=[A-Za-z0-9+/=]{392}$/;

/** Beside those that the model lists an operation may answer what every AWS service does. */
const common = ['AccessDeniedException'];

/** The exceptions that the model lists for an operation, each once. */
export function listedErrors(operation: string): readonly string[] {
  const { errors = [] } = workMailModel.operations[operation] ?? {};
  return [...new Set(errors.map(({ shape }) => shape))];
}

/** Every member of every output, by its structure: `DescribeUserResponse.Email`. */
export function outputMembers(): readonly string[] {
  const members = new Set<string>();
  const visit = (name: string): void => {
    const shape = workMailModel.shapes[name];
    if (shape?.type === 'list') visit(shape.member.shape);
    if (shape?.type !== 'structure') return;
    for (const [member, { shape: of }] of Object.entries(shape.members)) {
      members.add(`${name}.${member}`);
      visit(of);
    }
  };
  for (const { output } of Object.values(workMailModel.operations)) visit(output?.shape ?? '');
  return [...members];
}

/**
 * What is wrong with an answer: members that the model does not know, other types, texts out of bounds, exceptions it does not list. The
 * members that it has go into `seen`, as `outputMembers` names them.
 */
export function faultsOfAnswer(
  operation: string,
  status: number,
  body: unknown,
  seen: Set<string> = new Set(),
): readonly string[] {
  const told = (fault: string) => `${operation} ${fault}`;
  if (status === 200) {
    const { output } = workMailModel.operations[operation] ?? {};
    return output === undefined ? [told('has no output')] : faultsIn(output.shape, body, '', seen).map(told);
  }
  const { __type: type, Message: message, ...rest } = isObject(body) ? body : {};
  const faults = Object.keys(rest).map((member) => `${member}: a refusal has no such member`);
  if (status !== 400) faults.push(`HTTP ${status}: all its exceptions are 400`);
  if (![...listedErrors(operation), ...common].includes(String(type))) {
    faults.push(`${String(type)}: not listed (${String(message)})`);
  }
  if (typeof message !== 'string' || message === '') faults.push('Message: a sentence is missing');
  return faults.map(told);
}

function faultsIn(name: string, value: unknown, path: string, seen: Set<string>): readonly string[] {
  const shape = workMailModel.shapes[name];
  const wrong = (what: string) => [`${path}: ${what}: ${JSON.stringify(value)}`];
  switch (shape?.type) {
    case 'structure':
      return isObject(value) ? faultsInMembers(name, shape, value, path, seen) : wrong('no structure');
    case 'list':
      if (!Array.isArray(value)) return wrong('no list');
      return [
        ...(isWithin(shape, value.length) ? [] : wrong('too many or too few')),
        ...value.flatMap((one, index) => faultsIn(shape.member.shape, one, `${path}[${index}]`, seen)),
      ];
    case 'string':
      if (typeof value !== 'string') return wrong('no string');
      if (!isWithin(shape, [...value].length) && !dkimKey.test(value)) return wrong('too long or too short');
      if (shape.enum !== undefined && !shape.enum.includes(value)) return wrong('not one of the enumeration');
      if (shape.pattern === undefined || new RegExp(`^(?:${shape.pattern})$`, 'u').test(value)) return [];
      return wrong('not of the pattern');
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrong('no boolean');
    case 'timestamp':
      // Seconds, milliseconds behind the point.
      return typeof value === 'number' && Number(value.toFixed(3)) === value ? [] : wrong('no timestamp');
    case 'double':
      return typeof value === 'number' && isWithin(shape, value) ? [] : wrong('no number in range');
    case 'integer':
    case 'long':
      return Number.isSafeInteger(value) && isWithin(shape, Number(value))
        ? []
        : wrong('no integer in range');
    default:
      return [`${path}: the model has no shape ${name}`];
  }
}

function faultsInMembers(
  name: string,
  shape: Extract<Model['shapes'][string], { type: 'structure' }>,
  value: Readonly<Record<string, unknown>>,
  path: string,
  seen: Set<string>,
): readonly string[] {
  for (const member of Object.keys(value)) seen.add(`${name}.${member}`);
  const missing = (shape.required ?? []).filter((member) => !Object.hasOwn(value, member));
  const found = Object.entries(value).flatMap(([member, one]) => {
    const known = Object.hasOwn(shape.members, member) ? shape.members[member] : undefined;
    if (known !== undefined) return faultsIn(known.shape, one, `${path}.${member}`, seen);
    return ours[name]?.includes(member) ? [] : [`${path}.${member}: the model does not know it`];
  });
  return [...missing.map((member) => `${path}.${member}: missing`), ...found];
}

function isWithin(
  { min = -Infinity, max = Infinity }: { min?: number; max?: number },
  size: number,
): boolean {
  return size >= min && size <= max;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
