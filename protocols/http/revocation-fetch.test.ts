import { expect, test } from 'vitest';
import { startRevocationHost } from '#test/support/revocation-host';
import { systemOutside } from '../../src/outside.ts';
import { isPublicAddress, RevocationFetch } from './revocation-fetch.ts';

test.each([
  ['8.8.8.8', true],
  ['2606:4700::1111', true],
  ['127.0.0.1', false],
  ['0.0.0.0', false],
  ['10.1.2.3', false],
  ['100.64.0.1', false],
  ['169.254.169.254', false],
  ['172.31.255.255', false],
  ['172.32.0.1', true],
  ['192.168.0.1', false],
  ['198.19.0.1', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['::', false],
  ['::1', false],
  ['::ffff:10.0.0.1', false],
  ['::ffff:8.8.8.8', false],
  ['64:ff9b::a00:1', false],
  ['2001::1', false],
  ['2001:db8::1', false],
  ['2002:a00:1::', false],
  ['fc00::1', false],
  ['fe80::1', false],
  ['fe80::1%eth0', false],
  ['ff02::1', false],
  ['no address', false],
])('%s is a public address: %s', (address, isPublic) => {
  expect(isPublicAddress(address)).toBe(isPublic);
});

const refused = expect.objectContaining({ name: 'UnreachableError' });

test('a host that is silent is given up when the time is over, and the others are asked meanwhile', async () => {
  const host = await startRevocationHost();
  host.answers.set('/crl', () => Buffer.from('list'));
  const due: (() => void)[] = [];
  const clock = {
    now: () => Date.now(),
    after: (_ms: number, callback: () => void) => {
      due.push(callback);
      return () => due.splice(due.indexOf(callback), 1);
    },
  };
  const fetcher = new RevocationFetch({ clock, allowsPrivateAddresses: true, dns: undefined });
  const silent = fetcher.fetch(host.url('/silent'));
  expect(Buffer.from(await fetcher.fetch(host.url('/crl'))).toString()).toBe('list');
  expect(due).toHaveLength(1);
  due[0]?.();
  await expect(silent).rejects.toEqual(refused);
  expect(due).toHaveLength(0);
});

test('no more than sixteen are asked at a time', async () => {
  const host = await startRevocationHost();
  const { clock } = systemOutside;
  const fetcher = new RevocationFetch({ clock, allowsPrivateAddresses: true, dns: undefined });
  const gates = Promise.withResolvers<Buffer>();
  host.answers.set('/slow', () => gates.promise);
  const running = Array.from({ length: 16 }, () => fetcher.fetch(host.url('/slow')));
  await expect(fetcher.fetch(host.url('/slow'))).rejects.toEqual(refused);
  gates.resolve(Buffer.from('x'));
  expect(await Promise.all(running)).toHaveLength(16);
  expect(await fetcher.fetch(host.url('/slow'))).toHaveLength(1);
});

test('names are resolved by the servers of the configuration, and the address found is the one that is asked', async () => {
  const host = await startRevocationHost();
  host.answers.set('/crl', () => Buffer.from('list'));
  const { clock } = systemOutside;
  const dns = {
    resolve: async (name: string, type: 'A' | 'AAAA') => {
      if (type === 'AAAA') throw new Error('none');
      return name === 'ca.test' ? ['127.0.0.1'] : ['10.0.0.1', '192.168.0.1'];
    },
  };
  const own = new RevocationFetch({ clock, allowsPrivateAddresses: true, dns });
  expect(await own.fetch(`http://ca.test:${host.port}/crl`)).toHaveLength(4);
  const careful = new RevocationFetch({ clock, allowsPrivateAddresses: false, dns });
  for (const name of ['ca.test', 'other.test']) {
    await expect(careful.fetch(`http://${name}:${host.port}/crl`)).rejects.toEqual(refused);
  }
  for (const url of ['https://ca.test/crl', 'ftp://ca.test/crl', 'nonsense', '']) {
    await expect(own.fetch(url)).rejects.toEqual(refused);
  }
});
