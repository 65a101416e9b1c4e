/** The DNS of a test in which the records that an operation shows are published. */
import { Resolver } from 'node:dns/promises';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { type DnsName, startDns } from './dns-responder.ts';

/** A record as the admin API shows it. */
export interface ShownRecord {
  readonly Type: string;
  readonly Hostname: string;
  readonly Value: string;
  readonly Purpose: string;
  readonly Optional?: boolean;
  readonly KeyState?: string;
  readonly KeepUntil?: number;
  readonly Found?: readonly string[];
  readonly Status?: string;
  readonly Advice?: string;
}

/** What a verifier says of one signature: the result, the domain, and the algorithm. */
export type Verdict = string;

export interface PublishedZone {
  /** `host:port` of the name server. */
  readonly server: string;
  /** The names as they are served; a change counts at once. */
  readonly names: Record<string, DnsName>;
  publish(records: readonly ShownRecord[]): void;
  /** Asks the name server. */
  resolve(name: string, type: string): Promise<string[][]>;
  /** Checks every DKIM signature of a message, as mailauth does, with the keys that are published: `pass example.com rsa-sha256`. */
  verdicts(raw: string): Promise<readonly Verdict[]>;
}

/** Starts a name server with these names. */
export async function startZone(names: Record<string, DnsName>): Promise<PublishedZone> {
  const server = await startDns(names);
  const resolver = new Resolver();
  resolver.setServers([server]);
  const resolve = async (name: string, type: string) => (await resolver.resolve(name, type)) as string[][];
  return {
    resolve,
    server,
    names,
    publish: (records) => {
      for (const { Type, Hostname, Value } of records) {
        const name = Hostname.replace(/\.$/, '');
        const known = names[name] ?? {};
        const [preference = '', host = ''] = Value.replace(/\.$/, '').split(' ');
        if (Type === 'TXT') names[name] = { ...known, txt: [...(known.txt ?? []), Value] };
        if (Type === 'MX') names[name] = { ...known, mx: [[Number(preference), host]] };
        if (Type === 'SRV') {
          const [priority = '', weight = '', port = '', target = ''] = Value.replace(/\.$/, '').split(' ');
          names[name] = { ...known, srv: [[Number(priority), Number(weight), Number(port), target]] };
        }
        if (Type === 'CNAME') names[name] = { ...known, cname: Value.replace(/\.$/, '') };
      }
    },
    verdicts: async (raw) => {
      const { results } = await dkimVerify(Buffer.from(raw, 'latin1'), {
        strict: true,
        resolver: resolve,
      });
      return results.map(({ status, signingDomain, algo }) => `${status.result} ${signingDomain} ${algo}`);
    },
  };
}
