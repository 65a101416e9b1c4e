import { expect, test } from 'vitest';
import { checkRecords } from '#directory/domain-check';
import { startDns } from '#test/support/dns-responder';
import { type NameServers, startNameServers } from '#test/support/name-servers';
import { createPublishedRecords } from './published-records.ts';

const name = '_mailstead.example.com';
const right = { txt: ['token'] };
const record = { purpose: 'OWNERSHIP', type: 'TXT', hostname: `${name}.`, value: 'token' } as const;
const domain = { name: 'example.com', seen: new Set<string>(), isProved: true };

interface Patience {
  readonly tryMs?: number;
  readonly slowMs?: number;
}

function lookAt({ resolver, port }: NameServers, patience: Patience = {}, signal?: AbortSignal) {
  return createPublishedRecords({ servers: [resolver], port, ...patience }).look(signal);
}

async function check(servers: NameServers, patience?: Patience) {
  const [found] = await checkRecords(domain, [record], lookAt(servers, patience));
  return found;
}

test('every name server of the zone is asked, and the resolver beside them', async () => {
  const servers = await startNameServers('example.com', { [name]: right });
  expect(await lookAt(servers).ask('TXT', `${name}.`)).toEqual({
    cached: { values: ['token'], isSlow: expect.any(Boolean) },
    servers: ['ns1.example.com', 'ns2.example.com'].map((server) => ({
      server,
      values: ['token'],
      isSlow: expect.any(Boolean),
    })),
  });
  expect(await check(servers)).toMatchObject({ status: 'VERIFIED', found: ['token'] });
});

test('records are told as text: MX, SRV, CNAME, addresses, and the strings of a TXT joined', async () => {
  const long = 'k'.repeat(900);
  const servers = await startNameServers('example.com', {
    'example.com': { mx: [[10, 'mx.example.net']], txt: [long] },
    'host.example.com': { a: ['192.0.2.1'], aaaa: ['2001:db8::1'] },
    '_s._tcp.example.com': { srv: [[0, 1, 465, 'mx.example.net']] },
    '_imaps._tcp.example.com': { srv: [[0, 0, 0, '']] },
    'www.example.com': { cname: 'web.example.net' },
  });
  const look = lookAt(servers);
  const asked = [
    ['MX', 'example.com.', ['10 mx.example.net.']],
    // Cut over UDP, whole over TCP.
    ['TXT', 'example.com.', [long]],
    ['A', 'host.example.com.', ['192.0.2.1', '2001:db8::1']],
    ['SRV', '_s._tcp.example.com.', ['0 1 465 mx.example.net.']],
    ['SRV', '_imaps._tcp.example.com.', ['0 0 0 .']],
    ['CNAME', 'www.example.com.', ['web.example.net.']],
    ['TXT', 'none.example.com.', []],
  ] as const;
  for (const [type, hostname, values] of asked) {
    expect((await look.ask(type, hostname)).servers.map((one) => one.values)).toEqual([values, values]);
  }
});

test('a record that only caches lack is VERIFIED, one that only caches have is not', async () => {
  const added = await startNameServers('example.com', { [name]: right });
  delete added.cached[name];
  expect(await check(added)).toMatchObject({
    status: 'VERIFIED',
    advice: expect.stringContaining('Caches have not seen it yet'),
  });
  const removed = await startNameServers('example.com', { [name]: right });
  for (const zone of removed.zones) delete zone[name];
  expect(await check(removed)).toMatchObject({ status: 'MISSING', found: [] });
});

test('name servers that disagree are INCONSISTENT, and named', async () => {
  const servers = await startNameServers('example.com', { [name]: right }, 3);
  delete servers.zones[1]?.[name];
  expect(await check(servers)).toMatchObject({
    status: 'INCONSISTENT',
    isDisputed: true,
    found: ['token'],
    advice: expect.stringContaining('ns1.example.com, ns3.example.com has it right, ns2.example.com has not'),
  });
});

test.each([
  ['fails', { fails: true }, {}],
  ['never answers', { silent: true }, { tryMs: 300 }],
  ['answers late', { ...right, delayMs: 400 }, { slowMs: 300 }],
])('a name server that %s is told of, and the others decide', async (_what, answer, patience) => {
  const servers = await startNameServers('example.com', { [name]: right });
  Object.assign(servers.zones[1] ?? {}, { [name]: answer });
  const found = await check(servers, patience);
  expect(found).toMatchObject({ status: 'VERIFIED' });
  expect(found?.slow).toContain('ns2.example.com');
});

test('where no name server answers, what the resolver has counts', async () => {
  const servers = await startNameServers('example.com', { [name]: right });
  for (const zone of servers.zones) zone[name] = { fails: true };
  expect(await check(servers)).toMatchObject({ status: 'VERIFIED', found: ['token'] });
  servers.cached[name] = { fails: true };
  expect(await check(servers)).toMatchObject({
    status: 'PENDING',
    isUnanswered: true,
    advice: 'DNS does not answer (ESERVFAIL). Try again later.',
  });
});

test('a zone below is asked of its own name servers, an alias by what it stands for', async () => {
  const servers = await startNameServers('example.com', {
    's._domainkey.example.com': { cname: 's.dkim.test' },
  });
  servers.cached['s.dkim.test'] = { txt: ['k'] };
  const look = lookAt(servers);
  const { servers: answers } = await look.ask('TXT', 's._domainkey.example.com');
  expect(answers.map(({ values }) => values)).toEqual([['k'], ['k']]);
  await startDns({ [name]: right }, undefined, { host: '127.0.0.9', port: servers.port });
  servers.cached[name] = { ns: ['ns.other.test'] };
  servers.cached['ns.other.test'] = { a: ['127.0.0.9'] };
  expect((await look.ask('TXT', name)).servers).toMatchObject([
    { server: 'ns.other.test', values: ['token'] },
  ]);
});

test('name servers at addresses of this machine are not asked on the port of DNS', async () => {
  const { resolver } = await startNameServers('example.com', { [name]: right });
  const look = createPublishedRecords({ servers: [resolver], port: 53 }).look();
  const { cached, servers } = await look.ask('TXT', name);
  expect(cached.values).toEqual(['token']);
  expect(servers.map(({ error }) => error)).toEqual(['no address', 'no address']);
});

test('a look that is broken off ends, and asks nothing more', async () => {
  const servers = await startNameServers('example.com', { [name]: { silent: true }, 'example.com': right });
  const abort = new AbortController();
  const look = lookAt(servers, {}, abort.signal);
  const asked = look.ask('TXT', name);
  abort.abort();
  expect((await asked).cached).toEqual({ error: 'ECANCELLED' });
  expect(await look.ask('TXT', 'example.com')).toEqual({ cached: { error: 'ECANCELLED' }, servers: [] });
});
