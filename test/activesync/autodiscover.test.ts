import { expect, test } from 'vitest';
import { autodiscover, autodiscoverRequest, elementText, outlook } from '#test/support/autodiscover-client';
import { EasClient } from '#test/support/eas-client';
import { startServer } from '#test/support/start-server';

/** A whole server with one user, and what a phone asks it. */
async function open() {
  const server = await startServer();
  const user = await server.addUser('alice');
  const ask = (options: { body?: string; password?: string; headers?: Record<string, string> } = {}) =>
    autodiscover({
      baseUrl: server.baseUrl,
      ca: server.ca,
      credentials: `${user.address}:${options.password ?? user.password}`,
      body: options.body ?? autodiscoverRequest(user.address),
      ...(options.headers === undefined ? {} : { headers: options.headers }),
    });
  return { server, user, ask };
}

test('Autodiscover: the URL that a phone is told answers its OPTIONS, with the same credentials', async () => {
  const { server, user, ask } = await open();
  const { status, headers, text } = await ask();
  expect([status, headers['content-type']]).toEqual([200, 'text/xml; charset=utf-8']);
  expect(elementText(text, 'Culture')).toMatch(/^[a-z]{2}:[a-z]{2}$/);
  expect(elementText(text, 'EMailAddress')).toBe(user.address);
  expect(elementText(text, 'Type')).toBe('MobileSync');
  const url = new URL(elementText(text, 'Url') ?? '');
  expect(elementText(text, 'Name')).toBe(url.href);
  expect(url.pathname).toBe('/Microsoft-Server-ActiveSync');
  expect(url.protocol).toBe('https:');
  const phone = new EasClient({
    baseUrl: server.baseUrl,
    ca: server.ca,
    user: user.address,
    password: user.password,
  });
  const options = await phone.options();
  phone.close();
  expect([options.status, options.versions.at(-1)]).toEqual([200, '16.1']);
  // Elements in the order of the schema.
  const names = [...text.matchAll(/<(\w+)>/g)].map(([, name]) => name);
  expect(names.filter((name) => ['Culture', 'User', 'Action'].includes(name ?? ''))).toEqual([
    'Culture',
    'User',
    'Action',
  ]);
});

test.each([
  ['MS-ASProtocolVersion', { 'MS-ASProtocolVersion': '16.1', 'X-MS-PolicyKey': '0' }],
  ['a policy key that is wrong', { 'X-MS-PolicyKey': '7' }],
  ['what Outlook can handle', { 'X-MapiHttpCapability': '1', 'X-ClientCanHandle': 'Negotiate,ExHttpInfo' }],
])(
  'Autodiscover: a request with %s is answered as any other: no policy is asked for',
  async (_what, headers) => {
    const { ask } = await open();
    const { status, text } = await ask({ headers });
    expect([status, elementText(text, 'Type')]).toEqual([200, 'MobileSync']);
  },
);

test.each([
  ['nothing', '', 600],
  ['what is no XML', 'hello', 600],
  ['another document', '<html/>', 600],
  ['no EMailAddress', autodiscoverRequest('').replace('<EMailAddress></EMailAddress>', ''), 600],
  ['a DOCTYPE', `<!DOCTYPE a>${autodiscoverRequest('alice@test.mailstead.test').split('?>')[1]}`, 600],
  ["Outlook's schema", autodiscoverRequest('alice@test.mailstead.test', outlook), 601],
  ['an address of nobody', autodiscoverRequest('nobody@test.mailstead.test'), 500],
])('Autodiscover: %s answers an error body: HTTP 200, text/xml', async (_what, body, code) => {
  const { ask } = await open();
  const { status, headers, text } = await ask({ body });
  expect([status, headers['content-type']]).toEqual([200, 'text/xml; charset=utf-8']);
  expect(elementText(text, 'ErrorCode')).toBe(String(code));
  expect(elementText(text, 'Message')).toMatch(/./);
  expect(text).toMatch(/<Error Time="\d\d:\d\d:\d\d\.\d{7}" Id="\d+">/);
  expect(text).toContain('<DebugData />');
});

test('Autodiscover: a wrong password answers 401 and asks for Basic, a disabled user 403', async () => {
  const { server, user, ask } = await open();
  const wrong = await ask({ password: 'wrong' });
  expect([wrong.status, wrong.headers['www-authenticate']]).toEqual([
    401,
    expect.stringMatching(/^Basic realm=/),
  ]);
  await server.admin('WorkMailService.DeregisterFromWorkMail', {
    OrganizationId: server.organization,
    EntityId: user.id,
  });
  expect((await ask()).status).toBe(403);
});

test('Autodiscover: it is no command of the ActiveSync endpoint', async () => {
  const { server, user } = await open();
  const phone = new EasClient({
    baseUrl: server.baseUrl,
    ca: server.ca,
    user: user.address,
    password: user.password,
    version: '12.1',
  });
  const answer = await phone.post('Autodiscover');
  const { commands } = await phone.options();
  phone.close();
  expect(answer.status).toBe(501);
  expect(commands).not.toContain('Autodiscover');
});
