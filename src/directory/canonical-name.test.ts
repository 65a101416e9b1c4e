import { describe, expect, it } from 'vitest';
import { canonicalAddress, canonicalDomain, canonicalName } from './canonical-name.ts';

describe('canonical names', () => {
  it('are NFC and lower case, however they were typed', () => {
    expect(canonicalName('Zoe\u0308')).toBe('zo\u00eb');
    expect(canonicalName(canonicalName('\u0130stanbul'))).toBe(canonicalName('\u0130stanbul'));
  });

  it('give addresses the A-label of their domain', () => {
    expect(canonicalAddress('Jürgen@MÜNCHEN.de')).toBe('jürgen@xn--mnchen-3ya.de');
    expect(canonicalAddress('ju\u0308rgen@xn--mnchen-3ya.DE')).toBe('jürgen@xn--mnchen-3ya.de');
    expect(canonicalAddress('"a@b"@Example.COM')).toBe('"a@b"@example.com');
    expect(canonicalAddress('Postmaster')).toBe('postmaster');
  });

  it.each([
    'example.com/x',
    'ü.example/x',
    '%65xample.com',
    'ü%65.example',
    '127.1',
    'a b',
    '',
    'ü.example:25',
  ])('never turn the strange domain %j into another', (domain) => {
    expect(canonicalDomain(domain)).toBe(domain);
  });

  it('are their own canonical form', () => {
    for (const address of ['Ǆ@ÄÖÜ.Example', 'ß@faß.de', '\u2126@\uff45xample.com', 'x@日本語。jp']) {
      expect(canonicalAddress(canonicalAddress(address))).toBe(canonicalAddress(address));
    }
  });
});
