import { expect, test } from 'vitest';
import { autodiscoverRequest, outlook } from '#test/support/autodiscover-client';
import { AutodiscoverContentError, readRequest } from './request.ts';

const address = 'alice@example.test';
const read = (xml: string) => readRequest(Buffer.from(xml));
const request = (inner: string) => `<Autodiscover><Request>${inner}</Request></Autodiscover>`;
const schemaOf = (name: string) =>
  `<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/${name}</AcceptableResponseSchema>`;

test('a phone asks for the mobilesync schema, Outlook for its own', () => {
  expect(read(autodiscoverRequest(address))).toEqual({ address, schema: 'mobilesync' });
  expect(read(autodiscoverRequest(address, outlook))).toEqual({ address, schema: 'outlook' });
});

test('a byte order mark, white space and the letter case of names do not matter', () => {
  const xml = autodiscoverRequest(` ${address}\r\n`);
  expect(read(`\uFEFF${xml}\n`)).toEqual({ address, schema: 'mobilesync' });
  expect(read(xml.replaceAll('EMailAddress', 'EmailAddress')).address).toBe(address);
});

test('AcceptableResponseSchema decides, whatever the namespace says; without it, the namespace', () => {
  const xml = autodiscoverRequest(address);
  expect(read(xml.replace('/mobilesync/requestschema', '/outlook/requestschema')).schema).toBe('mobilesync');
  expect(read(xml.replace('/mobilesync/responseschema', '/outlook/responseschema')).schema).toBe('outlook');
  expect(read(xml.replace(/<Acceptable.*Schema>/, '')).schema).toBe('mobilesync');
  expect(read(autodiscoverRequest(address, outlook).replace(/<Acceptable.*Schema>/, '')).schema).toBe(
    'outlook',
  );
  const prefixed = `<q:Autodiscover xmlns:q="urn:x"><q:Request><q:EMailAddress>${address}</q:EMailAddress>
    <q:AcceptableResponseSchema>urn:mobilesync</q:AcceptableResponseSchema></q:Request></q:Autodiscover>`;
  expect(read(prefixed)).toEqual({ address, schema: 'mobilesync' });
});

test("the administrator guide's own request is read: schemas broken over lines and spelled wrong", () => {
  const xml = `<?xml version="1.0" encoding="utf-8"?>
    <Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/
    mobilesync/requestschem/2006"><Request><EmailAddress>${address}</EmailAddress>
    <AcceptableResponseSchema>
      http://schemas.microsoft.com/exchange/autodiscover/mobilesync/
      responseschem/2006
    </AcceptableResponseSchema></Request></Autodiscover>`;
  expect(read(xml)).toEqual({ address, schema: 'mobilesync' });
  // curl -d leaves the line breaks out.
  expect(read(xml.replaceAll('\n', ''))).toEqual({ address, schema: 'mobilesync' });
});

test('character references and the five predefined entities are read in one pass', () => {
  const of = (text: string) => read(request(`<EMailAddress>${text}</EMailAddress>${schemaOf('mobilesync')}`));
  expect(of('o&apos;neil&#x2b;a&amp;b&#64;example.test').address).toBe("o'neil+a&b@example.test");
  expect(of('&amp;lt;').address).toBe('&lt;');
  for (const text of ['&x;', 'a&b', '&#0;', '&#x110000;', '&constructor;', '&;', '&']) {
    expect(() => of(text)).toThrow(AutodiscoverContentError);
  }
});

test.each([
  ['nothing', ''],
  ['no XML', 'hello'],
  ['another document', '<html><body>x</body></html>'],
  ['no Request', '<Autodiscover/>'],
  ['no address', request(schemaOf('mobilesync'))],
  ['an empty address', request(`<EMailAddress> </EMailAddress>${schemaOf('mobilesync')}`)],
  [
    'two addresses',
    request(`<EMailAddress>a</EMailAddress><EMailAddress>b</EMailAddress>${schemaOf('mobilesync')}`),
  ],
  ['two requests', '<Autodiscover><Request/><Request/></Autodiscover>'],
  ['no schema at all', request('<EMailAddress>a@b</EMailAddress>')],
  ['a tag left open', autodiscoverRequest(address).replace('</Request>', '')],
  ['a DOCTYPE', autodiscoverRequest(address).replace('?>', '?><!DOCTYPE a>')],
  ['an entity of its own', autodiscoverRequest('&a;').replace('?>', '?><!DOCTYPE a [<!ENTITY a "b">]>')],
  ['reserved names', request('<__proto__><constructor>x</constructor></__proto__>')],
  ['a reserved name behind a prefix', request('<a:__proto__>x</a:__proto__>')],
  ['depth', `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`],
  ['many attributes', request(`<a ${Array.from({ length: 6000 }, (_, n) => `a${n}=""`).join(' ')}/>`)],
  ['many tags', request('<a/>'.repeat(10_000))],
])('%s is refused', (_what, xml) => {
  expect(() => read(xml)).toThrow(AutodiscoverContentError);
});

test('bytes that are no UTF-8, and every truncation of a request, are refused', () => {
  expect(() => readRequest(Buffer.from([0x3c, 0xff, 0xfe]))).toThrow(AutodiscoverContentError);
  const whole = Buffer.from(autodiscoverRequest(address));
  for (let end = 0; end < whole.length; end++) {
    expect(() => readRequest(whole.subarray(0, end))).toThrow(AutodiscoverContentError);
  }
});
