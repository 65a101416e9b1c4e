import { Resolver } from 'node:dns/promises';
import { expect, test } from 'vitest';
import { startDns } from './dns-responder.ts';

test('the name server answers what its table says, over TCP what is cut over UDP', async () => {
  const key = 'k'.repeat(900);
  const asked: string[] = [];
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  const zone = {
    'a.example': {
      a: ['192.0.2.1'],
      aaaa: ['2001:db8::1'],
      mx: [[10, 'mx.a.example']],
      txt: ['v=spf1 -all'],
    },
    'key.example': { txt: [key] },
    'cut.example': { a: ['192.0.2.2'], truncated: true },
    'late.example': { a: ['192.0.2.3'], delayMs: 50 },
    'www.example': { cname: 'a.example' },
    '1.2.0.192.in-addr.arpa': { ptr: ['a.example'] },
    'broken.example': { fails: true },
    'zone.example': { ns: ['ns1.zone.example', 'ns2.zone.example'] },
    '_s._tcp.zone.example': {
      srv: [
        [0, 1, 443, 'a.example'],
        [1, 0, 0, ''],
      ],
    },
  } as const;
  resolver.setServers([await startDns(zone, (name) => asked.push(name))]);
  expect(await resolver.resolve4('a.example')).toEqual(['192.0.2.1']);
  expect(await resolver.resolve6('a.example')).toEqual(['2001:db8::1']);
  expect(await resolver.resolveMx('a.example')).toMatchObject([{ exchange: 'mx.a.example', priority: 10 }]);
  expect(await resolver.resolveTxt('a.example')).toEqual([['v=spf1 -all']]);
  expect((await resolver.resolveTxt('key.example'))[0]?.join('')).toBe(key);
  expect(await resolver.resolve4('cut.example')).toEqual(['192.0.2.2']);
  expect(await resolver.resolve4('late.example')).toEqual(['192.0.2.3']);
  expect(await resolver.resolve4('www.example')).toEqual(['192.0.2.1']);
  expect(await resolver.resolveCname('www.example')).toEqual(['a.example']);
  expect(await resolver.resolvePtr('1.2.0.192.in-addr.arpa')).toEqual(['a.example']);
  expect(await resolver.resolveNs('zone.example')).toEqual(['ns1.zone.example', 'ns2.zone.example']);
  expect(await resolver.resolveSrv('_s._tcp.zone.example')).toMatchObject([
    { priority: 0, weight: 1, port: 443, name: 'a.example' },
    { priority: 1, weight: 0, port: 0, name: '' },
  ]);
  await expect(resolver.resolve4('none.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect(resolver.resolve4('broken.example')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  await expect(resolver.resolveMx('late.example')).rejects.toMatchObject({ code: 'ENODATA' });
  expect(asked).toContain('none.example');
});
