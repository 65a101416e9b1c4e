import { randomBytes } from 'node:crypto';
import type { Tag } from '#protocols/activesync/wbxml/code-page';
import { FolderHierarchy } from '#protocols/activesync/wbxml/code-pages/folder-hierarchy';
import { Provision } from '#protocols/activesync/wbxml/code-pages/provision';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import { decode } from '#protocols/activesync/wbxml/decode';
import { child, childrenOf, type Element, el } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { ask } from './cli/doctor/ask.ts';
import { type Phone, type PhoneOptions, Refused } from './cli/doctor/phone.ts';

const version = '14.1';
const success = '1';

/** VisitingPhone signs in as a phone of 14.1 would, for the doctor. */
export class VisitingPhone implements Phone {
  readonly deviceId = `DOCTOR${randomBytes(8).toString('hex').toUpperCase()}`;
  readonly #options: PhoneOptions;
  readonly #signal: AbortSignal;
  #policyKey = '0';

  constructor(options: PhoneOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  async options(): Promise<string> {
    const { status, headers } = await this.#ask('OPTIONS', '', undefined);
    if (status !== 200) throw new Refused('OPTIONS', status, undefined);
    return String(headers['ms-asprotocolversions'] ?? '');
  }

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

  async provision(): Promise<string> {
    const type = el(Provision.PolicyType, 'MS-EAS-Provisioning-WBXML');
    const information = el(
      Settings.DeviceInformation,
      el(Settings.Set, el(Settings.Model, 'mailstead doctor'), el(Settings.OS, 'mailstead doctor')),
    );
    const first = await this.#post('Provision', el(Provision.Provision, information, policies(type)));
    accept('Provision', child(first, Provision.Status));
    const offered = child(first, Provision.Policies, Provision.Policy);
    this.#policyKey = child(offered, Provision.PolicyKey)?.text ?? '0';
    const accepted = policies(type, el(Provision.PolicyKey, this.#policyKey), el(Provision.Status, success));
    const second = await this.#post('Provision', el(Provision.Provision, accepted));
    accept('Provision', child(second, Provision.Status));
    this.#policyKey = child(second, Provision.Policies, Provision.Policy, Provision.PolicyKey)?.text ?? '0';
    return wordsOf(child(offered, Provision.Data, Provision.EASProvisionDoc));
  }

  async folderSync(): Promise<number> {
    const { FolderSync, SyncKey, Status, Changes, Add } = FolderHierarchy;
    const answer = await this.#post('FolderSync', el(FolderSync, el(SyncKey, '0')));
    accept('FolderSync', child(answer, Status));
    return childrenOf(child(answer, Changes), Add).length;
  }

  async #post(command: string, body: Element): Promise<Element> {
    const { user } = this.#options;
    const query = new URLSearchParams({
      Cmd: command,
      User: user,
      DeviceId: this.deviceId,
      DeviceType: 'Doctor',
    });
    const { status, body: document } = await this.#ask('POST', `?${query}`, encode(body));
    if (status !== 200) throw new Refused(command, status, undefined);
    return decode(document).root;
  }

  #ask(method: string, query: string, body: Uint8Array | undefined) {
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

function policies(...content: readonly Element[]): Element {
  return el(Provision.Policies, el(Provision.Policy, ...content));
}

function accept(command: string, status: Element | undefined): void {
  if (status?.text !== success) throw new Refused(command, 200, Number(status?.text));
}

function wordsOf(policy: Element | undefined): string {
  const text = (tag: Tag) => child(policy, tag)?.text;
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
