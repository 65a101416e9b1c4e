import { randomBytes } from 'node:crypto';
import type { ListenAddress } from '#config/units';
import { ask } from './ask.ts';
import { decode, encode, find, type Node, node, type Tag } from './wbxml.ts';

const provision = (token: number): Tag => ({ page: 14, token });
const settings = (token: number): Tag => ({ page: 18, token });
const folders = (token: number): Tag => ({ page: 7, token });

const Provision = {
  Provision: provision(0x05),
  Policies: provision(0x06),
  Policy: provision(0x07),
  PolicyType: provision(0x08),
  PolicyKey: provision(0x09),
  Data: provision(0x0a),
  Status: provision(0x0b),
  EASProvisionDoc: provision(0x0d),
  DevicePasswordEnabled: provision(0x0e),
  MinDevicePasswordLength: provision(0x14),
  RequireDeviceEncryption: provision(0x1d),
};
const Settings = {
  Set: settings(0x08),
  DeviceInformation: settings(0x16),
  Model: settings(0x17),
  OS: settings(0x1a),
};
const Folders = {
  Status: folders(0x0c),
  Changes: folders(0x0e),
  Add: folders(0x0f),
  SyncKey: folders(0x12),
  FolderSync: folders(0x16),
};

const version = '14.1';
const success = '1';

/** Refused is an answer that is not the good one: an HTTP status, or a Status of the command's document. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly httpStatus: number;
  /** MS-ASCMD, Common Status Codes; undefined where HTTP says it all. */
  readonly status: number | undefined;

  constructor(command: string, httpStatus: number, status: number | undefined) {
    super(`${command} is answered with ${status === undefined ? `HTTP ${httpStatus}` : `Status ${status}`}`);
    this.httpStatus = httpStatus;
    this.status = status;
  }
}

interface DeviceOptions {
  readonly address: ListenAddress;
  readonly hostname: string;
  readonly user: string;
  readonly password: string;
}

/** DeviceClient signs in as a phone of 14.1 would, under a name of its own. Commands throw Refused. */
export class DeviceClient {
  readonly deviceId = `DOCTOR${randomBytes(8).toString('hex').toUpperCase()}`;
  readonly #options: DeviceOptions;
  readonly #signal: AbortSignal;
  #policyKey = '0';

  constructor(options: DeviceOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** The versions that the server speaks (MS-ASHTTP, OPTIONS). */
  async options(): Promise<string> {
    const { status, headers } = await this.#ask('OPTIONS', '', undefined);
    if (status !== 200) throw new Refused('OPTIONS', status, undefined);
    return String(headers['ms-asprotocolversions'] ?? '');
  }

  /** What AutoDiscover answers for the address: the URL of ActiveSync. */
  async autodiscover(): Promise<string | undefined> {
    const { user } = this.#options;
    const schema = 'http://schemas.microsoft.com/exchange/autodiscover/mobilesync';
    const body = `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="${schema}/requestschema/2006"><Request><EMailAddress>${inXml(user)}</EMailAddress><AcceptableResponseSchema>${schema}/responseschema/2006</AcceptableResponseSchema></Request></Autodiscover>`;
    const answer = await ask(
      {
        ...this.#where,
        method: 'POST',
        path: '/autodiscover/autodiscover.xml',
        headers: { ...this.#authorization, 'Content-Type': 'text/xml' },
        body,
      },
      this.#signal,
    );
    if (answer.status !== 200) throw new Refused('AutoDiscover', answer.status, undefined);
    return /<Url>([^<]*)<\/Url>/i.exec(answer.body.toString())?.[1];
  }

  /** Both phases of Provision (MS-ASPROV); gives what the policy asks for, in words. */
  async provision(): Promise<string> {
    const type = node(Provision.PolicyType, 'MS-EAS-Provisioning-WBXML');
    const information = node(Settings.DeviceInformation, [
      node(Settings.Set, [node(Settings.Model, 'mailstead doctor'), node(Settings.OS, 'mailstead doctor')]),
    ]);
    const first = await this.#post('Provision', node(Provision.Provision, [information, policies([type])]));
    accept('Provision', find(first, Provision.Status));
    const offered = find(first, Provision.Policies, Provision.Policy);
    this.#policyKey = find(offered, Provision.PolicyKey)?.text ?? '0';
    const accepted = [type, node(Provision.PolicyKey, this.#policyKey), node(Provision.Status, success)];
    const second = await this.#post('Provision', node(Provision.Provision, [policies(accepted)]));
    accept('Provision', find(second, Provision.Status));
    this.#policyKey = find(second, Provision.Policies, Provision.Policy, Provision.PolicyKey)?.text ?? '0';
    return wordsOf(find(offered, Provision.Data, Provision.EASProvisionDoc));
  }

  /** How many folders there are. */
  async folderSync(): Promise<number> {
    const answer = await this.#post('FolderSync', node(Folders.FolderSync, [node(Folders.SyncKey, '0')]));
    accept('FolderSync', find(answer, Folders.Status));
    const added = find(answer, Folders.Changes)?.children.filter(({ token }) => token === Folders.Add.token);
    return added?.length ?? 0;
  }

  async #post(command: string, body: Node): Promise<Node> {
    const { user } = this.#options;
    const query = new URLSearchParams({
      Cmd: command,
      User: user,
      DeviceId: this.deviceId,
      DeviceType: 'Doctor',
    });
    const { status, body: document } = await this.#ask('POST', `?${query}`, encode(body));
    if (status !== 200) throw new Refused(command, status, undefined);
    return decode(document);
  }

  #ask(method: string, query: string, body: Buffer | undefined) {
    const headers = {
      ...this.#authorization,
      'MS-ASProtocolVersion': version,
      'X-MS-PolicyKey': this.#policyKey,
      ...(body !== undefined && { 'Content-Type': 'application/vnd.ms-sync.wbxml' }),
    };
    const path = `/Microsoft-Server-ActiveSync${query}`;
    return ask({ ...this.#where, method, path, headers, ...(body !== undefined && { body }) }, this.#signal);
  }

  get #where() {
    const { address, hostname } = this.#options;
    return { address, hostname };
  }

  get #authorization() {
    const { user, password } = this.#options;
    return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
  }
}

function policies(content: readonly Node[]): Node {
  return node(Provision.Policies, [node(Provision.Policy, content)]);
}

function accept(command: string, status: Node | undefined): void {
  if (status?.text !== success) throw new Refused(command, 200, Number(status?.text));
}

function wordsOf(policy: Node | undefined): string {
  const text = (tag: Tag) => find(policy, tag)?.text;
  const length = text(Provision.MinDevicePasswordLength);
  const password = `a password${length === undefined || length === '' ? '' : ` of ${length} characters or more`}`;
  const asked = [
    ...(text(Provision.DevicePasswordEnabled) === '1' ? [password] : []),
    ...(text(Provision.RequireDeviceEncryption) === '1' ? ['encryption'] : []),
  ];
  return asked.length === 0 ? 'neither a password nor encryption' : asked.join(' and ');
}

function inXml(text: string): string {
  return text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
