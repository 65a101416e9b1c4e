import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { DomainError } from '#domain/errors';

const parallelism = 1;
const tagBytes = 32;
const saltBytes = 16;

const derive = promisify(argon2);

/** PasswordHasher makes what is stored of a password, and compares. */
export interface PasswordHasher {
  hash(password: string): Promise<string>;
  /** Costs the same whether the password is right or not. */
  verify(hash: string, password: string): Promise<boolean>;
  /** What nobody's password makes, to be compared where there is no user. */
  readonly decoy: string;
}

/** What a hash costs. */
interface Costs {
  readonly memoryKiB: number;
  readonly passes: number;
}

/**
 * argon2idOf stores `$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<tag>` (PHC string format), and compares with what
 * was stored at any costs.
 */
export function argon2idOf(costs: Costs): PasswordHasher {
  return {
    decoy: stored(costs, Buffer.alloc(saltBytes), Buffer.alloc(tagBytes)),
    async hash(password) {
      const salt = randomBytes(saltBytes);
      return stored(costs, salt, await tagOf(password, salt, { ...costs, parallelism, tagBytes }));
    },
    verify,
  };
}

/**
 * argon2id is what a server stores (RFC 9106: Argon2id, version 0x13). 19 MiB and two passes on one lane take about 27 ms on
 * a common core; memory is what makes guessing dear.
 */
export const argon2id: PasswordHasher = argon2idOf({ memoryKiB: 19_456, passes: 2 });

async function verify(hash: string, password: string): Promise<boolean> {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(hash);
  if (match === null) throw new TypeError('the stored password is of no known form');
  const [, m, t, p, salt = '', tag = ''] = match;
  const expected = Buffer.from(tag, 'base64');
  const parameters = { memoryKiB: Number(m), passes: Number(t), parallelism: Number(p) };
  const given = await tagOf(password, Buffer.from(salt, 'base64'), {
    ...parameters,
    tagBytes: expected.length,
  });
  return timingSafeEqual(given, expected);
}

interface Parameters extends Costs {
  readonly parallelism: number;
  readonly tagBytes: number;
}

function tagOf(password: string, salt: Buffer, parameters: Parameters): Promise<Buffer> {
  return derive('argon2id', {
    message: password.normalize('NFC'),
    nonce: salt,
    memory: parameters.memoryKiB,
    passes: parameters.passes,
    parallelism: parameters.parallelism,
    tagLength: parameters.tagBytes,
  });
}

function stored({ memoryKiB, passes }: Costs, salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}

const minLength = 8;
const maxLength = 63;
const allowed = /^[\u0020-\u007e\u00a0-\u00ff]*$/;
const classes = [/[A-Z]/, /[a-z]/, /[0-9]/, /[ -/:-@[-`{-~]/, /[\u00a0-\u00ff]/];
const minClasses = 3;

/**
 * checkPassword refuses what may not become a password: 8 to 63 characters of Latin-1, of at least three of the five
 * classes upper case, lower case, digits, special characters and Latin-1 supplement. Throws DomainError
 * password/invalid.
 */
export function checkPassword(password: string): void {
  const text = password.normalize('NFC');
  if (text.length < minLength || text.length > maxLength) {
    throw new DomainError(
      'password/invalid',
      `The password must have ${minLength} to ${maxLength} characters.`,
    );
  }
  if (!allowed.test(text)) {
    throw new DomainError('password/invalid', 'The password may only have characters of Latin-1.');
  }
  if (classes.filter((characters) => characters.test(text)).length < minClasses) {
    throw new DomainError(
      'password/invalid',
      'The password must have characters of three of these classes: upper case, lower case, digits, special characters, accented letters.',
    );
  }
}
