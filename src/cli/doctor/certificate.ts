import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { Config } from '#config/config';
import type { ListenAddress } from '#config/units';
import { type Check, type Finding, fail, ok, reasonOf, warn } from './finding.ts';
import type { Scene } from './scene.ts';

const dayMs = 86_400_000;
const soonDays = 21;
const urgentDays = 3;

/** A certificate, and whether a client that knows only the public authorities trusts it. */
interface Presented {
  readonly leaf: X509Certificate;
  /** Undefined: trusted; else why not. Of a file nothing is known. */
  readonly distrust: string | undefined;
}

/** certificateCheck looks at names, validity and chain of what the server presents, or of its file while it is down. */
export function certificateCheck(scene: Scene): Check {
  return { name: 'certificate', run: (signal) => check(scene, signal) };
}

/** presentedBy gives the certificate that a TLS listener of this server presents. */
export function presentedBy(
  { host, port }: ListenAddress,
  hostname: string,
  signal: AbortSignal,
): Promise<Presented> {
  return new Promise((resolve, reject) => {
    const servername = isIP(hostname) === 0 ? { servername: hostname } : {};
    // The names are a check of their own.
    const socket = connect({
      host,
      port,
      ...servername,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    socket.once('error', reject).once('secureConnect', () => {
      const leaf = socket.getPeerX509Certificate();
      const distrust = socket.authorized ? undefined : String(socket.authorizationError);
      socket.destroy();
      if (leaf === undefined) reject(new Error('no certificate is presented'));
      else resolve({ leaf, distrust });
    });
  });
}

async function check(scene: Scene, signal: AbortSignal): Promise<readonly Finding[]> {
  const { config, hostname, publicUrl, listeners, outage } = scene;
  const listener = listeners['https'] ?? listeners['submissions'];
  const isServed = outage === undefined && listener !== undefined;
  const found = isServed
    ? await presentedBy(listener, hostname, signal).catch(reasonOf)
    : await fromFile(config).catch(reasonOf);
  if (typeof found === 'string') {
    if (!isServed && config.tls === undefined) {
      return [ok('certificate', 'none yet: the server makes one when it starts')];
    }
    return [fail('certificate', found, 'Look at tls.cert and tls.key, and at the log of the server.')];
  }
  const isSelfMade = await isOurOwn(found.leaf, config);
  const names = new Set([hostname, new URL(publicUrl).hostname]);
  return [
    checkNames(found.leaf, [...names], isSelfMade),
    checkDates(found.leaf, isSelfMade),
    checkTrust(found, isSelfMade, config),
  ];
}

async function fromFile({ tls, dataDir }: Config): Promise<Presented> {
  const pem = await readFile(tls?.certFile ?? join(dataDir, 'tls', 'cert.pem'));
  return { leaf: new X509Certificate(pem), distrust: undefined };
}

async function isOurOwn(leaf: X509Certificate, { dataDir }: Config): Promise<boolean> {
  try {
    const authority = new X509Certificate(await readFile(join(dataDir, 'tls', 'ca.pem')));
    return leaf.checkIssued(authority) && leaf.verify(authority.publicKey);
  } catch {
    return false;
  }
}

/** coversName says whether a certificate is good for a host's name or address. */
export function coversName(leaf: X509Certificate, name: string): boolean {
  const plain = name.replace(/^\[|\]$/g, '');
  return (isIP(plain) === 0 ? leaf.checkHost(plain) : leaf.checkIP(plain)) !== undefined;
}

function checkNames(leaf: X509Certificate, wanted: readonly string[], isSelfMade: boolean): Finding {
  const name = 'certificate names';
  const missing = wanted.filter((one) => !coversName(leaf, one));
  if (missing.length === 0) return ok(name, `it is good for ${wanted.join(' and ')}`);
  const advice = isSelfMade
    ? 'Restart the server with this name as hostname: it makes a new one.'
    : 'Get one with this name in it, and name its files under [tls].';
  return fail(
    name,
    `it is not good for ${missing.join(' and ')}, but for ${leaf.subjectAltName ?? 'nothing'}`,
    advice,
  );
}

function checkDates(leaf: X509Certificate, isSelfMade: boolean): Finding {
  const name = 'certificate validity';
  const from = Date.parse(leaf.validFrom);
  const until = Date.parse(leaf.validTo);
  const days = Math.floor((until - Date.now()) / dayMs);
  const advice = isSelfMade ? 'Restart the server: it makes a new one.' : 'Renew it, and restart the server.';
  const day = new Date(until).toISOString().slice(0, 10);
  if (from > Date.now())
    return fail(name, `it begins on ${leaf.validFrom}`, 'Look at the clock of this machine.');
  if (days < 0) return fail(name, `it ended on ${day}`, advice);
  const text = `${days} days are left, until ${day}`;
  if (days < urgentDays) return fail(name, text, advice);
  return days < soonDays ? warn(name, text, advice) : ok(name, text);
}

function checkTrust({ distrust }: Presented, isSelfMade: boolean, { dataDir }: Config): Finding {
  const name = 'certificate chain';
  if (isSelfMade) {
    return warn(
      name,
      'self-made by this server: phones and programs warn of it, and some refuse it',
      `Get one from a public authority and name its files under [tls], or install ${join(dataDir, 'tls', 'ca.pem')} on each device.`,
    );
  }
  if (distrust === undefined) return ok(name, 'a public authority vouches for it');
  const reason = chainReasons[distrust] ?? distrust;
  return fail(
    name,
    reason,
    'Put the whole chain into the file of tls.cert: the certificate first, then those between it and the authority.',
  );
}

const chainReasons: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'a certificate between it and the authority is missing',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'no authority that this machine knows vouches for it',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is signed by itself alone',
  SELF_SIGNED_CERT_IN_CHAIN: 'an authority that this machine does not know vouches for it',
  CERT_HAS_EXPIRED: 'it, or one that vouches for it, has ended',
};
