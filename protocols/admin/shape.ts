import { AdminError } from './errors.ts';

/** Shape is one named type of the service model, in the model's own language. */
export type Shape =
  | StructureShape
  | { readonly type: 'list'; readonly member: ShapeRef; readonly min?: number; readonly max?: number }
  | StringShape
  | NumberShape
  | { readonly type: 'boolean' }
  | { readonly type: 'timestamp' };

interface StructureShape {
  readonly type: 'structure';
  readonly required?: readonly string[];
  readonly members: Readonly<Record<string, ShapeRef>>;
  /** Ours: a member the shape does not know is refused; the WorkMail API ignores it. */
  readonly closed?: boolean;
}

interface StringShape {
  readonly type: 'string';
  /** In characters. */
  readonly min?: number;
  readonly max?: number;
  /** The whole value must match. */
  readonly pattern?: string;
  readonly enum?: readonly string[];
  /** The value is not repeated in messages. */
  readonly sensitive?: boolean;
}

interface NumberShape {
  readonly type: 'integer' | 'long' | 'double';
  readonly min?: number;
  readonly max?: number;
  /** Ours: the only values there are. */
  readonly values?: readonly number[];
}

interface ShapeRef {
  readonly shape: string;
}

/** Model is a service's operations and shapes. */
export interface Model {
  readonly operations: Readonly<
    Record<string, { readonly input?: ShapeRef; readonly errors?: readonly ShapeRef[] }>
  >;
  readonly shapes: Readonly<Record<string, Shape>>;
}

/** AdminInput is an operation's checked input: null members are absent, unknown ones are left out. */
export interface AdminInput {
  readonly [member: string]: unknown;
}

/** A body of 1 MiB has room for half a million: it is not read on behind these. */
const maxFaults = 100;

/**
 * readShape checks a value against a structure of the model. All faults, up to 100, are told in one InvalidParameterException,
 * in AWS's words; a value of the wrong JSON type is a SerializationException. Throws AdminError.
 */
export function readShape(model: Model, name: string, value: unknown): AdminInput {
  const reader = new ShapeReader(model);
  const input = reader.read(name, value, '');
  if (reader.faults.length > 0) throw refusalOf(reader.faults);
  return input as AdminInput;
}

function refusalOf(faults: readonly string[]): AdminError {
  const count = faults.length === 1 ? '1 validation error' : `${faults.length} validation errors`;
  return new AdminError('InvalidParameterException', `${count} detected: ${faults.join('; ')}`);
}

class ShapeReader {
  readonly faults: string[] = [];
  readonly #model: Model;

  constructor(model: Model) {
    this.#model = model;
  }

  read(name: string, value: unknown, path: string): unknown {
    const shape = this.#model.shapes[name];
    if (shape === undefined) throw new TypeError(`the model has no shape ${name}`);
    switch (shape.type) {
      case 'structure':
        return this.#structure(shape, value, path);
      case 'list':
        return this.#list(shape, value, path);
      case 'string':
        return this.#string(shape, value, path);
      case 'boolean':
        return typed(value, 'boolean', 'Boolean');
      case 'integer':
      case 'long':
      case 'double':
        return this.#number(shape, value, path);
      case 'timestamp':
        return typed(value, 'number', 'Timestamp');
    }
  }

  #structure(shape: StructureShape, value: unknown, path: string): AdminInput {
    if (!isStructure(value)) throw unconvertible(value, 'Structure');
    const read: Record<string, unknown> = {};
    for (const [member, { shape: name }] of Object.entries(shape.members)) {
      const given = Object.hasOwn(value, member) ? value[member] : null;
      const at = join(path, lowerFirst(member));
      if (given !== null && given !== undefined) read[member] = this.read(name, given, at);
      else if (shape.required?.includes(member)) this.#fault(null, at, 'Member must not be null');
    }
    if (shape.closed) this.#refuseUnknown(shape, value, path);
    return read;
  }

  #refuseUnknown({ members }: StructureShape, value: object, path: string): void {
    for (const member of Object.keys(value)) {
      if (Object.hasOwn(members, member)) continue;
      this.#tell(`Unknown member '${member.slice(0, 100)}'${path === '' ? '' : ` at '${path}'`}`);
    }
  }

  #list(shape: Extract<Shape, { type: 'list' }>, value: unknown, path: string): unknown[] {
    if (!Array.isArray(value)) throw unconvertible(value, 'List');
    const isFitting = this.#length(shape, value.length, this.#shownList(shape, value), path);
    // Of what is too long no more is said.
    if (!isFitting) return [];
    return value.map((member, index) => {
      const at = `${path}.${index + 1}.member`;
      if (member !== null) return this.read(shape.member.shape, member, at);
      return this.#fault(null, at, 'Member must not be null');
    });
  }

  /** Undefined for what is secret, and for what is not a list of texts: it may be nested without end. */
  #shownList({ member }: Extract<Shape, { type: 'list' }>, value: readonly unknown[]): unknown {
    const shape = this.#model.shapes[member.shape];
    const isShown =
      shape?.type === 'string' && !shape.sensitive && value.every((one) => typeof one === 'string');
    return isShown ? value : undefined;
  }

  #string(shape: StringShape, value: unknown, path: string): string {
    const text = typed(value, 'string', 'String');
    const shown = shape.sensitive ? undefined : text;
    const isFitting = this.#length(shape, [...text].length, shown, path);
    if (shape.enum !== undefined && !shape.enum.includes(text)) {
      this.#fault(shown, path, `Member must satisfy enum value set: [${shape.enum.join(', ')}]`);
    }
    // What is too long is not matched: a pattern may be slow on it.
    if (shape.pattern !== undefined && isFitting && !new RegExp(`^(?:${shape.pattern})$`, 'u').test(text)) {
      this.#fault(shown, path, `Member must satisfy regular expression pattern: ${shape.pattern}`);
    }
    return text;
  }

  #number(shape: NumberShape, value: unknown, path: string): number {
    const number = typed(value, 'number', shape.type === 'double' ? 'Double' : 'Integer');
    if (shape.type !== 'double' && !Number.isSafeInteger(number)) throw unconvertible(value, 'Integer');
    if (number < (shape.min ?? -Infinity)) {
      this.#fault(number, path, `Member must have value greater than or equal to ${shape.min}`);
    }
    if (number > (shape.max ?? Infinity)) {
      this.#fault(number, path, `Member must have value less than or equal to ${shape.max}`);
    }
    if (shape.values !== undefined && !shape.values.includes(number)) {
      this.#fault(number, path, `Member must satisfy enum value set: [${shape.values.join(', ')}]`);
    }
    return number;
  }

  #length(bounds: { min?: number; max?: number }, length: number, shown: unknown, path: string): boolean {
    const { min = 0, max = Infinity } = bounds;
    if (length < min) this.#fault(shown, path, `Member must have length greater than or equal to ${min}`);
    if (length > max) this.#fault(shown, path, `Member must have length less than or equal to ${max}`);
    return length <= max;
  }

  /** `shown` is the offending value, undefined when it is secret. */
  #fault(shown: unknown, path: string, constraint: string): undefined {
    const value = shown === undefined ? 'Value' : shown === null ? 'Value null' : `Value '${printed(shown)}'`;
    this.#tell(`${value} at '${path}' failed to satisfy constraint: ${constraint}`);
  }

  #tell(fault: string): undefined {
    this.faults.push(fault);
    if (this.faults.length >= maxFaults) throw refusalOf(this.faults);
  }
}

interface JsonTypes {
  readonly boolean: boolean;
  readonly number: number;
  readonly string: string;
}

function typed<Name extends keyof JsonTypes>(value: unknown, type: Name, wanted: string): JsonTypes[Name] {
  if (typeof value !== type) throw unconvertible(value, wanted);
  return value as JsonTypes[Name];
}

function unconvertible(value: unknown, wanted: string): AdminError {
  const given =
    value === null
      ? 'NULL'
      : Array.isArray(value)
        ? 'LIST'
        : typeof value === 'object'
          ? 'STRUCTURE'
          : typeof value;
  return new AdminError(
    'SerializationException',
    `${given.toUpperCase()}_VALUE can not be converted to a ${wanted}`,
  );
}

function isStructure(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function printed(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 256 ? `${text.slice(0, 256)}...` : text;
}

function join(path: string, member: string): string {
  return path === '' ? member : `${path}.${member}`;
}

function lowerFirst(member: string): string {
  return member.slice(0, 1).toLowerCase() + member.slice(1);
}
