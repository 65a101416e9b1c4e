import { XMLParser } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { autodiscover, elementText } from '#test/support/autodiscover-client';
import { publicUrl, start } from './listeners.ts';

const path = '/mail/config-v1.1.xml';
const wellKnown = '/.well-known/autoconfig/mail/config-v1.1.xml';
const query = '?emailaddress=alice%40example.test';

test.each([`${path}${query}`, `${wellKnown}${query}`, `${path}?EmailAddress=nobody@EXAMPLE.test`])(
  'autoconfig: %s tells of ActiveSync and where mail is handed in, over https and http, whatever Host says',
  async (target) => {
    const { https, http, asked } = await start();
    for (const listener of [https, http]) {
      const headers = { Host: 'autoconfig.elsewhere.test' };
      const {
        status,
        headers: answered,
        text,
      } = await autodiscover({ ...listener, method: 'GET', path: target, headers });
      expect([status, answered['content-type']]).toEqual([200, 'text/xml; charset=utf-8']);
      const { clientConfig } = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(
        text,
      );
      const login = { username: '%EMAILADDRESS%', authentication: 'password-cleartext' };
      const host = 'mail.example.test';
      expect(clientConfig).toEqual({
        version: '1.1',
        emailProvider: {
          id: 'example.test',
          domain: 'example.test',
          displayName: 'example.test',
          displayShortName: 'example.test',
          incomingServer: {
            type: 'exchange',
            hostname: host,
            port: 443,
            socketType: 'SSL',
            ...login,
            easURL: `${publicUrl}/Microsoft-Server-ActiveSync`,
          },
          outgoingServer: [
            { type: 'smtp', hostname: host, port: 465, socketType: 'SSL', ...login },
            { type: 'smtp', hostname: host, port: 587, socketType: 'STARTTLS', ...login },
          ],
        },
      });
    }
    expect(asked).toEqual([]);
  },
);

test('autoconfig: a program that sends no address is known by the domain it asks', async () => {
  const { https } = await start();
  const at = (Host: string, target = path) =>
    autodiscover({ ...https, method: 'GET', path: target, headers: { Host } });
  for (const host of ['autoconfig.example.test', 'example.test', 'Autoconfig.EXAMPLE.test:443']) {
    expect(elementText((await at(host)).text, 'domain')).toBe('example.test');
  }
  expect((await at('autoconfig.foreign.test')).status).toBe(404);
  expect((await at('autoconfig.example.test', `${path}?emailaddress=a@foreign.test`)).status).toBe(404);
});

test('autoconfig: what is not offered is not told of, and a port of its own is', async () => {
  const { https } = await start({
    endpoints: { publicUrl: 'https://mail.example.test:8443', submission: [] },
  });
  const { text } = await autodiscover({ ...https, method: 'GET', path: `${path}${query}` });
  expect(text).not.toContain('outgoingServer');
  expect(elementText(text, 'port')).toBe('8443');
});

test.each(['', '@', 'alice', 'alice@', 'alice@foreign.test', `a@${'a'.repeat(9000)}`, '%00', 'a@\'"<x>'])(
  'autoconfig: for the address "%s" there is nothing: 404',
  async (address) => {
    const { https } = await start();
    const { status } = await autodiscover({
      ...https,
      method: 'GET',
      path: `${path}?emailaddress=${address}`,
    });
    expect(status).toBe(404);
  },
);

test('autoconfig: HEAD has no body, OPTIONS lists the methods', async () => {
  const { https } = await start();
  const head = await autodiscover({ ...https, method: 'HEAD', path: `${path}${query}` });
  expect([head.status, head.text]).toEqual([200, '']);
  const options = await autodiscover({ ...https, method: 'OPTIONS', path });
  expect([options.status, options.headers['allow']]).toEqual([204, 'GET, HEAD, OPTIONS']);
});
