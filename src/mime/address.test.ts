import { describe, expect, it } from 'vitest';
import { envelopeAddress, formatAddressList, parseAddressList } from './address.ts';

describe('parseAddressList', () => {
  it('brackets, comments and quotes without an end cost no more than their length', () => {
    expect(parseAddressList(`[${'()'.repeat(150_000)}${':'.repeat(300_000)}`)).toHaveLength(1);
    expect(parseAddressList(`<${'\\"'.repeat(30_000_000)}`)).toHaveLength(1);
  });

  it.each([
    ['a@b.example', [['', 'a@b.example']]],
    ['<a@b.example>', [['', 'a@b.example']]],
    [
      'Ann <a@b.example>, Bob <b@b.example>',
      [
        ['Ann', 'a@b.example'],
        ['Bob', 'b@b.example'],
      ],
    ],
    ['"Last, First" <a@b.example>', [['Last, First', 'a@b.example']]],
    ['"A \\"B\\" C" <a@b.example>', [['A "B" C', 'a@b.example']]],
    ['a@b.example (Ann)', [['Ann', 'a@b.example']]],
    ['Ann (of (the) office) <a@b.example>', [['Ann', 'a@b.example']]],
    [
      'a@b.example; c@d.example;',
      [
        ['', 'a@b.example'],
        ['', 'c@d.example'],
      ],
    ],
    [
      'a@b.example c@d.example',
      [
        ['', 'a@b.example'],
        ['', 'c@d.example'],
      ],
    ],
    [
      'Team: a@b.example, Bob <c@d.example>;, e@f.example',
      [
        ['', 'a@b.example'],
        ['Bob', 'c@d.example'],
        ['', 'e@f.example'],
      ],
    ],
    ['undisclosed-recipients:;', []],
    ['Root User', [['Root User', '']]],
    ['<@relay.example,@other.example:a@b.example>', [['', 'a@b.example']]],
    ['Ann <mailto:a@b.example>', [['Ann', 'a@b.example']]],
    ["'a@b.example' <a@b.example>", [['a@b.example', 'a@b.example']]],
    ['a@[IPv6:2001:db8::1]', [['', 'a@[IPv6:2001:db8::1]']]],
    ['=?utf-8?Q?M=C3=BCller=2C_J?= <a@b.example>', [['Müller, J', 'a@b.example']]],
    ['"=?utf-8?Q?J=C3=B6rg?=" <a@b.example>', [['Jörg', 'a@b.example']]],
    ['Ann a@b.example', [['Ann', 'a@b.example']]],
    ['a @ b.example', [['', 'a@b.example']]],
    [
      '"unclosed <a@b.example>, c@d.example',
      [
        ['"unclosed', 'a@b.example'],
        ['', 'c@d.example'],
      ],
    ],
    ['', []],
    [',,;', []],
  ])('%s', (raw, expected) => {
    expect(parseAddressList(raw).map(({ name, address }) => [name, address])).toEqual(expected);
  });

  it('keeps a quoted local part whole, so that mail cannot go to the host inside it (nodemailer, GHSA-mm7p-fcc7-pg87)', () => {
    expect(parseAddressList('"attacker@evil.example x"@internal.example')).toEqual([
      { name: '', address: '"attacker@evil.example x"@internal.example' },
    ]);
  });

  it('takes no address out of an encoded word', () => {
    const list = parseAddressList('=?utf-8?Q?Bob_=3Cevil=40evil.example=3E=2C?= <a@b.example>');
    expect(list).toEqual([{ name: 'Bob <evil@evil.example>,', address: 'a@b.example' }]);
  });

  it.each(['"\\"', '<"', '(', '(\\', '"', ':', 'a ', '=?'])('%s a hundred thousand times ends', (piece) => {
    expect(parseAddressList(piece.repeat(100_000)).length).toBeLessThanOrEqual(5_000);
  });
});

it('formatAddressList quotes names, escapes them and leaves them readable', () => {
  const list = [
    { name: 'Jörg "J" M\\', address: 'j@b.example' },
    { name: '', address: 'a@b.example' },
    { name: 'Only a name', address: '' },
  ];
  expect(formatAddressList(list)).toBe('"Jörg \\"J\\" M\\\\" <j@b.example>, a@b.example, "Only a name"');
  expect(formatAddressList(list.slice(1), ';')).toBe('a@b.example;"Only a name"');
});

describe('envelopeAddress', () => {
  it.each([
    ['Ann@B.Example', 'Ann@b.example'],
    ['käthe@BÜCHER.example', 'käthe@xn--bcher-kva.example'],
    ['"odd @ local"@b.example', '"odd @ local"@b.example'],
    ['a@[192.0.2.1]', 'a@[192.0.2.1]'],
    ['a@b.example.', 'a@b.example'],
  ])('%s', (address, expected) => {
    expect(envelopeAddress(address)).toBe(expected);
  });

  it.each([
    '',
    'a',
    '@b.example',
    'a@',
    'a b@c.example',
    'a@b c',
    'a@b\r\nRCPT TO:<x@y>',
    'a,b@c.example',
    `${'x'.repeat(65)}@c.example`,
    'a@b>c',
    'a@b@c.example',
  ])('%j is none', (address) => {
    expect(envelopeAddress(address)).toBeUndefined();
  });
});
