/** An authority for S/MIME certificates, with its revocation lists and its OCSP responder: openssl's. */
import { execFile } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tempFolder } from './temp-store.ts';

const run = promisify(execFile);
const day = 86_400_000;

/** What a certificate is to say; extensions are written as openssl.cnf has them. */
interface Wanted {
  readonly address?: string;
  /** In place of those of a certificate for mail. */
  readonly extensions?: readonly string[];
  /** Beside them. */
  readonly more?: readonly string[];
  readonly from?: Date;
  readonly until?: Date;
  /** Of an authority's key; elliptic curves if not given. */
  readonly algorithm?: 'RSA' | 'ED25519';
  /** As openssl genpkey has them. */
  readonly keyOptions?: readonly string[];
}

export interface Issued {
  readonly der: Buffer;
  readonly base64: string;
  readonly file: string;
}

const forMail = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature,keyEncipherment',
  'extendedKeyUsage=emailProtection',
];
const forAuthorities = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

export class MailAuthority {
  readonly #folder: string;
  readonly #name: string;
  #count = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** Its own certificate. */
  readonly own: Issued;

  private constructor(folder: string, name: string, own: Issued) {
    this.#folder = folder;
    this.#name = name;
    this.own = own;
  }

  /** A root of its own, or one that `issuer` vouches for. */
  static async create(name: string, issuer?: MailAuthority, wanted: Wanted = {}): Promise<MailAuthority> {
    const folder = join(await tempFolder(), name);
    await mkdir(folder, { recursive: true });
    const key = join(folder, 'key.pem');
    const { algorithm, keyOptions = [] } = wanted;
    if (algorithm === undefined) await writeFile(key, newKey());
    else {
      const options = keyOptions.flatMap((option) => ['-pkeyopt', option]);
      await run('openssl', ['genpkey', '-algorithm', algorithm, ...options, '-out', key]);
    }
    await writeFile(join(folder, 'index.txt'), '');
    await writeFile(join(folder, 'serial'), '1001');
    await writeFile(join(folder, 'crlnumber'), '01');
    await writeFile(join(folder, 'ca.cnf'), configuration(folder));
    const extensions = wanted.extensions ?? forAuthorities;
    const own =
      issuer === undefined
        ? await selfSigned(folder, name, key, { ...wanted, extensions })
        : await issuer.issueFor(
            await requestBy(key),
            name,
            { ...wanted, extensions },
            join(folder, 'ca.pem'),
          );
    return new MailAuthority(folder, name, own);
  }

  /** A certificate, all with one key; by default one for mail of alice@test.mailstead.test, for a year. */
  async issue(wanted: Wanted = {}): Promise<Issued> {
    const base = join(this.#folder, `${this.#name}-${++this.#count}`);
    holder ??= newHolder();
    const { key, request } = await holder;
    await writeFile(`${base}.key`, key);
    const { address = 'alice@test.mailstead.test' } = wanted;
    const names = address === '' ? [] : [`subjectAltName=email:${address}`];
    const extensions = [...(wanted.extensions ?? forMail), ...names, ...(wanted.more ?? [])];
    const more = { ...wanted, more: [], extensions };
    return this.issueFor(request, `Holder ${this.#count}`, more, `${base}.pem`);
  }

  /** A certificate for the name and the key of the authority itself. */
  async issueOwnName(wanted: Wanted): Promise<Issued> {
    const file = join(this.#folder, `own-${++this.#count}.pem`);
    return this.issueFor(await requestBy(join(this.#folder, 'key.pem')), this.#name, wanted, file);
  }

  private async issueFor(request: string, name: string, wanted: Wanted, file: string): Promise<Issued> {
    const extensions = `${file}.ext`;
    await writeFile(`${file}.csr`, request);
    await writeFile(extensions, [...(wanted.extensions ?? []), ...(wanted.more ?? [])].join('\n'));
    const asked = ['-in', `${file}.csr`, '-subj', `/CN=${name}`, '-out', file, '-extfile', extensions];
    await this.#ca([...dates(wanted), ...asked, '-notext']);
    return issued(file);
  }

  async revoke({ file }: Issued): Promise<void> {
    await this.#ca(['-revoke', file]);
  }

  /** Its revocation list in DER, good until `until`; `signing` are options of openssl ca. */
  async revocationList(until = new Date(Date.now() + day), signing: readonly string[] = []): Promise<Buffer> {
    const file = join(this.#folder, 'crl.pem');
    const dated = ['-crl_lastupdate', stamp(new Date(Date.now() - 2 * day)), '-crl_nextupdate', stamp(until)];
    await this.#ca(['-gencrl', ...dated, ...signing, '-out', file]);
    return (await run('openssl', ['crl', '-in', file, '-outform', 'DER'], { encoding: 'buffer' })).stdout;
  }

  /** What its OCSP responder answers to a request in DER; signed by another certificate of it, if given. */
  async ocspAnswer(request: Uint8Array, signer?: Issued): Promise<Buffer> {
    const [asked, answered] = [join(this.#folder, 'asked.der'), join(this.#folder, 'answered.der')];
    await writeFile(asked, request);
    const [certificate, key] =
      signer === undefined
        ? [join(this.#folder, 'ca.pem'), join(this.#folder, 'key.pem')]
        : [signer.file, signer.file.replace(/pem$/, 'key')];
    const from = ['-index', join(this.#folder, 'index.txt'), '-CA', join(this.#folder, 'ca.pem')];
    const by = ['-rsigner', certificate, '-rkey', key, '-ndays', '1'];
    await run('openssl', ['ocsp', ...from, ...by, '-reqin', asked, '-respout', answered]);
    return readFile(answered);
  }

  /** One after the other: each rewrites the list of what was issued. */
  #ca(args: readonly string[]): Promise<unknown> {
    const config = join(this.#folder, 'ca.cnf');
    const done = this.#last.then(() => run('openssl', ['ca', '-batch', '-config', config, ...args]));
    this.#last = done.catch(() => undefined);
    return done;
  }
}

let holder: ReturnType<typeof newHolder> | undefined;

/** Whose certificates are issued: a key, and a request by it that serves for every name. */
async function newHolder(): Promise<{ key: string; request: string }> {
  const [key, file] = [newKey(), join(await tempFolder(), 'key.pem')];
  await writeFile(file, key);
  return { key, request: await requestBy(file) };
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A request for a certificate by a key, in PEM. */
async function requestBy(key: string): Promise<string> {
  return (await run('openssl', ['req', '-new', '-key', key, '-subj', '/CN=any'])).stdout;
}

async function selfSigned(folder: string, name: string, key: string, wanted: Wanted): Promise<Issued> {
  const [file, request] = [join(folder, 'ca.pem'), join(folder, 'ca.csr')];
  await writeFile(request, await requestBy(key));
  const extensions = join(folder, 'ca.ext');
  await writeFile(extensions, (wanted.extensions ?? []).join('\n'));
  const config = [
    'ca',
    '-batch',
    '-config',
    join(folder, 'ca.cnf'),
    '-selfsign',
    '-notext',
    '-subj',
    `/CN=${name}`,
  ];
  await run('openssl', [...config, ...dates(wanted), '-in', request, '-out', file, '-extfile', extensions]);
  return issued(file);
}

async function issued(file: string): Promise<Issued> {
  const { raw } = new X509Certificate(await readFile(file));
  return { der: raw, base64: raw.toString('base64'), file };
}

function dates({ from, until }: Wanted): string[] {
  const start = from ?? new Date(Date.now() - day);
  const end = until ?? new Date(Date.now() + 365 * day);
  return ['-startdate', stamp(start), '-enddate', stamp(end)];
}

/** As openssl takes times: YYYYMMDDHHMMSSZ. */
function stamp(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
}

function configuration(folder: string): string {
  return [
    '[ca]',
    'default_ca=own',
    '[own]',
    `dir=${folder}`,
    'database=$dir/index.txt',
    'serial=$dir/serial',
    'crlnumber=$dir/crlnumber',
    'new_certs_dir=$dir',
    'certificate=$dir/ca.pem',
    'private_key=$dir/key.pem',
    'default_md=sha256',
    'default_days=365',
    'default_crl_days=1',
    'unique_subject=no',
    'policy=any',
    '[any]',
    'commonName=supplied',
  ].join('\n');
}
