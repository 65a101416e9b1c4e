import { expect, test } from 'vitest';
import { receivedField, returnPathField, withAsciiDomain } from './trace.ts';

const atMs = Date.UTC(2026, 1, 3, 4, 5, 6);

test('Received names the client, its address, us, the protocol, the id, the recipient and the time', () => {
  const field = receivedField({
    from: { name: 'relay.example', address: '2001:db8::1' },
    by: 'mx.ours.example',
    protocol: 'ESMTPS',
    tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
    id: 'abc',
    for: 'bob@ours.example',
    atMs,
  });
  expect(field).toBe(
    'Received: from relay.example ([IPv6:2001:db8::1])\r\n' +
      '\tby mx.ours.example with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)\r\n' +
      '\tid abc for <bob@ours.example>; Tue, 03 Feb 2026 04:05:06 +0000\r\n',
  );
});

test('Received of a message made here has no from', () => {
  const field = receivedField({ by: 'mx.ours.example', protocol: 'ActiveSync', id: 'abc', atMs });
  expect(field).toMatch(/^Received: by mx\.ours\.example with ActiveSync\r\n\tid abc; Tue/);
});

test.each(['a b', 'x(', '[1.2.3.4', 'x\r\ny', '', 'a'.repeat(300), '-x'])(
  'a name that is no host (%j) is replaced by the address',
  (name) => {
    const field = receivedField({
      from: { name, address: '192.0.2.1' },
      by: 'x',
      protocol: 'SMTP',
      id: 'i',
      atMs,
    });
    expect(field).toMatch(/^Received: from \[192\.0\.2\.1\] \(\[192\.0\.2\.1\]\)\r\n/);
  },
);

test('the null reverse-path is written as it is', () => {
  expect(returnPathField('')).toBe('Return-Path: <>\r\n');
});

test.each([
  ['a@bücher.example', 'a@xn--bcher-kva.example'],
  ['a@[192.0.2.1]', 'a@[192.0.2.1]'],
  ['', ''],
])('%s is %s in ASCII', (address, ascii) => {
  expect(withAsciiDomain(address)).toBe(ascii);
});
