import { ask } from './ask.ts';
import { coversName, presentedBy } from './certificate.ts';
import { addressesOf } from './dns.ts';
import { type Check, type Finding, fail, ok, reasonOf, warn } from './finding.ts';
import { type DomainOf, resolverOf, type Scene } from './scene.ts';

const maxDomains = 50;
const path = '/autodiscover/autodiscover.xml';

/** autodiscoverChecks ask, by the name that a phone would ask for each mail domain, what this server answers. */
export function autodiscoverChecks(scene: Scene): readonly Check[] {
  if (scene.outage !== undefined) return [];
  return scene.domains.slice(0, maxDomains).map((domain) => {
    const name = `autodiscover ${domain.DomainName}`;
    return { name, run: (signal) => check(name, scene, domain, signal) };
  });
}

async function check(
  name: string,
  scene: Scene,
  { OrganizationId, DomainName }: DomainOf,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const address = scene.listeners['https'];
  if (address === undefined) {
    return [warn(name, 'listen.https is off: phones find nothing here', 'Set listen.https.')];
  }
  const { client } = scene.session;
  const state = await client.call('WorkMailService.GetMailDomain', { OrganizationId, DomainName });
  if (state['AcceptsMail'] !== true) {
    const advice = `"mailstead domain verify ${DomainName}" says what is missing.`;
    return [warn(name, 'the domain is not verified: nobody has an address in it', advice)];
  }
  const hostname = `autodiscover.${DomainName}`;
  const seeLog = 'See the log of the server.';
  const asked = await ask({ address, hostname, method: 'POST', path }, signal);
  const challenge = String(asked.headers['www-authenticate'] ?? '');
  if (asked.status !== 401 || !/^Basic /i.test(challenge)) {
    return [fail(name, `${path} answers ${asked.status} instead of asking for the password`, seeLog)];
  }
  const query = new URLSearchParams({ Email: `postmaster@${DomainName}`, Protocol: 'ActiveSync' });
  const told = await ask(
    { address, hostname, method: 'GET', path: `/autodiscover/autodiscover.json?${query}` },
    signal,
  );
  const url = urlIn(told.body);
  if (told.status !== 200 || url === undefined || !url.startsWith(scene.publicUrl)) {
    return [
      fail(
        name,
        `the JSON answer is ${told.status} with ${url ?? 'no URL'}`,
        'Look at public_url, and at the log of the server.',
      ),
    ];
  }
  const found = ok(name, `asked as https://${hostname}, it asks for the password and names ${url}`);
  return [found, ...(state['IsTestDomain'] === true ? [] : await checkWay(name, hostname, scene, signal))];
}

function urlIn(body: Buffer): string | undefined {
  try {
    const answer = JSON.parse(body.toString()) as { Url?: unknown };
    return typeof answer.Url === 'string' ? answer.Url : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a phone that asks by the name comes here, and finds the name in the certificate. */
async function checkWay(
  name: string,
  hostname: string,
  scene: Scene,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const resolver = resolverOf(scene, signal);
  const both = await Promise.all([
    addressesOf(resolver, hostname),
    addressesOf(resolver, new URL(scene.publicUrl).hostname),
  ]).catch(reasonOf);
  if (typeof both === 'string') {
    return [warn(name, `DNS does not answer for ${hostname}: ${both}`, 'Try again later.')];
  }
  const [there, here] = both;
  if (there.length === 0) {
    const advice = `Add the record CNAME ${hostname} to ${scene.hostname}; until then people type the server’s name.`;
    return [warn(name, `${hostname} is not in DNS: phones do not find the server by themselves`, advice)];
  }
  if (!there.some((one) => here.includes(one))) {
    const advice = `Let ${hostname} be a CNAME of ${scene.hostname}.`;
    return [
      warn(
        name,
        `${hostname} leads to ${there.join(', ')}, which is not this server’s public address`,
        advice,
      ),
    ];
  }
  const https = scene.listeners['https'];
  const presented = https === undefined ? undefined : await presentedBy(https, hostname, signal);
  if (presented === undefined || coversName(presented.leaf, hostname)) return [];
  const advice = `Get a certificate that has ${hostname} in it as well: phones ask by that name first.`;
  return [warn(name, `the certificate is not good for ${hostname}`, advice)];
}
