import { describe, expect, it } from 'vitest';
import { argon2id, argon2idOf, checkPassword } from './password.ts';

describe('a stored password', () => {
  it('is argon2id with a salt of its own, and only the right password opens it', async () => {
    const [first, second] = await Promise.all([argon2id.hash('Pässw0rd!'), argon2id.hash('Pässw0rd!')]);
    expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(first).not.toBe(second);
    expect(await argon2id.verify(first ?? '', 'Pässw0rd!')).toBe(true);
    // A client that sends the letter and its dots as two characters.
    expect(await argon2id.verify(first ?? '', 'Pa\u0308ssw0rd!')).toBe(true);
    expect(await argon2id.verify(first ?? '', 'pässw0rd!')).toBe(false);
    expect(await argon2id.verify(argon2id.decoy, 'Pässw0rd!')).toBe(false);
  });

  it('with other costs is compared by its own', async () => {
    const weak = (await argon2id.hash('x')).replace('m=19456,t=2', 'm=64,t=1');
    expect(await argon2id.verify(weak, 'x')).toBe(false);
    const cheap = await argon2idOf({ memoryKiB: 64, passes: 1 }).hash('x');
    expect(cheap).toMatch(/^\$argon2id\$v=19\$m=64,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(await argon2id.verify(cheap, 'x')).toBe(true);
    expect(await argon2id.verify(cheap, 'y')).toBe(false);
  });

  it('of an unknown form is a failure, not a refusal', async () => {
    await expect(argon2id.verify('$2b$10$abc', 'x')).rejects.toThrow(TypeError);
  });
});

describe('a new password', () => {
  it.each(['Passw0rd', 'pass word 1', 'PASSWORD-1', 'pässw0rd', 'Ünter-den', `Aa1${'x'.repeat(60)}`])(
    '%j is taken',
    (password) => {
      expect(() => checkPassword(password)).not.toThrow();
    },
  );

  it.each([
    '',
    'Passw0r',
    'password',
    'password1',
    'PASSWORD1',
    `Aa1${'x'.repeat(61)}`,
    'Passw0rd\u20ac',
    'Passw0rd\n',
    'Passw0rd\u0085',
    'Пароль-Aa1',
  ])('%j is refused', (password) => {
    expect(() => checkPassword(password)).toThrow(
      expect.objectContaining({ name: 'DomainError', code: 'password/invalid' }),
    );
  });
});
