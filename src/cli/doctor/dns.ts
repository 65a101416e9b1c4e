import type { Resolver } from 'node:dns/promises';
import { BlockList, isIPv6 } from 'node:net';
import { ApiError, type Output } from '../admin-client.ts';
import { recordsOf } from '../session.ts';
import { formatTime } from '../table.ts';
import { type Check, type Finding, fail, ok, reasonOf, warn } from './finding.ts';
import { type DomainOf, resolverOf, type Scene } from './scene.ts';

/** Of more domains than that nobody reads the lines; --org and "domain verify" look at the others. */
const maxDomains = 50;

/** dnsChecks look at the server's own name, and at the records of each mail domain. */
export function dnsChecks(scene: Scene): readonly Check[] {
  const { domains } = scene;
  return [
    { name: 'host name', run: (signal) => checkHost(scene, resolverOf(scene, signal)) },
    ...domains.slice(0, maxDomains).map((domain) => ({
      name: `domain ${domain.DomainName}`,
      run: () => checkDomain(scene, domain),
    })),
    ...(domains.length > maxDomains ? [{ name: 'domains', run: async () => [others(domains.length)] }] : []),
  ];
}

function others(count: number): Finding {
  return warn(
    'domains',
    `only the first ${maxDomains} of ${count} were looked at`,
    'Look at the others with "mailstead domain verify DOMAIN".',
  );
}

/** addressesOf gives every address of a name; none where there is none. Throws when DNS does not answer. */
export async function addressesOf(resolver: Resolver, name: string): Promise<readonly string[]> {
  const found = await Promise.all([
    resolver.resolve4(name).catch(noneThere),
    resolver.resolve6(name).catch(noneThere),
  ]);
  return found.flat();
}

function noneThere(error: unknown): string[] {
  if (error instanceof Error && 'code' in error && ['ENOTFOUND', 'ENODATA'].includes(String(error.code)))
    return [];
  throw error;
}

/** RFC 1918, RFC 3927, RFC 4193, RFC 4291: nobody reaches these from the Internet. */
const inner = new BlockList();
for (const [net, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const) {
  inner.addSubnet(net, bits, 'ipv4');
}
for (const [net, bits] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const) {
  inner.addSubnet(net, bits, 'ipv6');
}

/** RFC 5321 §4.1.1.1: EHLO names the host by its full name; other servers look whether its address leads back to it. */
async function checkHost({ hostname }: Scene, resolver: Resolver): Promise<readonly Finding[]> {
  const name = 'host name';
  if (!hostname.includes('.') || /\.(?:test|invalid|example|localhost|local|internal|lan)$/i.test(hostname)) {
    const advice =
      'Set hostname to the full name that this server has on the Internet: many others refuse mail otherwise.';
    return [warn(name, `${hostname}, by which nobody on the Internet knows this server`, advice)];
  }
  const addresses = await addressesOf(resolver, hostname).catch(reasonOf);
  if (typeof addresses === 'string') {
    return [
      warn(
        name,
        `DNS does not answer for ${hostname}: ${addresses}`,
        'Look at the name servers of this machine, or set dns.servers.',
      ),
    ];
  }
  if (addresses.length === 0) {
    return [
      fail(
        name,
        `${hostname} has no address in DNS`,
        'Add an A record (and AAAA for IPv6) with the address of this server.',
      ),
    ];
  }
  const shown = `${hostname} is ${addresses.join(', ')}`;
  const reachable = addresses.filter((address) => !inner.check(address, isIPv6(address) ? 'ipv6' : 'ipv4'));
  if (reachable.length === 0) {
    return [
      warn(
        name,
        `${shown}, which nobody reaches from the Internet`,
        'Fine within a network of your own; else publish the outer address.',
      ),
    ];
  }
  return [
    ok(name, shown),
    ...(await Promise.all(reachable.map((one) => checkReverse(one, hostname, resolver)))),
  ];
}

async function checkReverse(address: string, hostname: string, resolver: Resolver): Promise<Finding> {
  const name = 'reverse DNS';
  const names = await resolver.reverse(address).catch((error: unknown) => {
    return error instanceof Error && 'code' in error && error.code === 'ENOTFOUND' ? [] : reasonOf(error);
  });
  if (typeof names === 'string') {
    return warn(name, `DNS does not answer for ${address}: ${names}`, 'Try again later.');
  }
  if (names.some((one) => one.toLowerCase() === hostname.toLowerCase())) {
    return ok(name, `${address} leads back to ${hostname}`);
  }
  const advice = `Ask who gave you the address to set its reverse record to ${hostname}: many servers refuse mail otherwise.`;
  return warn(name, `${address} leads to ${names.join(', ') || 'no name'}`, advice);
}

/** Without these nothing arrives; the others are for trust and comfort. */
const needed: ReadonlySet<unknown> = new Set(['OWNERSHIP', 'MX']);

async function checkDomain({ session }: Scene, domain: DomainOf): Promise<readonly Finding[]> {
  const name = `domain ${domain.DomainName}`;
  try {
    const state = await session.client.call('WorkMailService.GetMailDomain', { ...domain });
    if (state['IsTestDomain'] === true) return [ok(name, 'the test domain: it needs no records')];
    const output = await session.client.call('Mailstead.VerifyMailDomain', { ...domain });
    const wrong = recordsOf(output['Records']).filter(
      ({ Status, Optional, Advice }) => Status !== 'VERIFIED' && (Optional !== true || Advice !== undefined),
    );
    if (wrong.length === 0) return [ok(name, 'every record is as it should be')];
    const refused = refusal(name, output);
    const others = wrong.filter(({ Purpose }) => refused === undefined || Purpose !== 'OWNERSHIP');
    const findings = others.map((record) => {
      const found = `${record['Purpose']} (${record['Type']} ${record['Hostname']}) is ${record['Status']}`;
      const advice = `${record['Advice'] ?? 'Try again later.'} "mailstead domain verify ${domain.DomainName}" shows its value.`;
      const isUnproved = record['Purpose'] === 'OWNERSHIP' && output['AcceptsMail'] !== true;
      const isFatal = isUnproved || (needed.has(record['Purpose']) && record['Status'] !== 'PENDING');
      return isFatal ? fail(name, found, advice) : warn(name, found, advice);
    });
    return refused === undefined ? findings : [refused, ...findings];
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [warn(name, `${error.type}: ${error.message}`, '"mailstead domain show" tells its state.')];
  }
}

/** What becomes of the mail of a domain whose ownership record is gone; undefined if it is there. */
function refusal(name: string, output: Output): Finding | undefined {
  const [record] = recordsOf(output['Records']).filter(({ Purpose }) => Purpose === 'OWNERSHIP');
  if (record === undefined || output['OwnershipVerificationStatus'] !== 'FAILED') return undefined;
  const from = formatTime(output['MailRefusedFrom']);
  const found =
    from === ''
      ? 'mail is refused, because the record that proves the ownership is gone'
      : `mail is refused from ${from} on, because the record that proves the ownership is gone`;
  return fail(name, found, `Put it back: TXT ${record['Hostname']} with the value ${record['Value']}`);
}
