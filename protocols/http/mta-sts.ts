import { createHash } from 'node:crypto';
import { HttpError } from './http-error.ts';
import { send } from './response.ts';
import type { Route } from './router.ts';

/** What mail servers are told of how to reach our domains. */
interface OwnPolicy {
  readonly mode: 'none' | 'testing' | 'enforce';
  /** Our mail server, as MX records name it. */
  readonly mx: string;
  readonly isOurs: (domain: string) => Promise<boolean>;
}

/** A week: how long others go by it after its host is gone. */
const maxAgeSeconds = 604_800;

/** mtaStsRoute serves the MTA-STS policy of each domain of ours at its host `mta-sts.<domain>`. RFC 8461 §3.2, §3.3. */
export function mtaStsRoute({ isOurs, ...policy }: OwnPolicy): Route {
  const text = textOf(policy);
  return {
    path: '/.well-known/mta-sts.txt',
    methods: {
      GET: async (request, response) => {
        const host = request.headers.host?.replace(/:\d*$/, '').toLowerCase() ?? '';
        const domain = /^mta-sts\.([a-z0-9_.-]{1,253})$/.exec(host)?.[1];
        if (domain === undefined || !(await isOurs(domain))) throw new HttpError(404, 'Not found');
        send(response, 200, { 'Content-Type': 'text/plain; charset=utf-8' }, text);
      },
    },
  };
}

/** mtaStsId is the id to announce the policy with, another one whenever the policy is another; undefined for mode none. RFC 8461 §3.1. */
export function mtaStsId(policy: Omit<OwnPolicy, 'isOurs'>): string | undefined {
  if (policy.mode === 'none') return undefined;
  return createHash('sha256').update(textOf(policy)).digest('hex').slice(0, 16);
}

function textOf({ mode, mx }: Omit<OwnPolicy, 'isOurs'>): string {
  const lines = ['version: STSv1', `mode: ${mode}`, `mx: ${mx}`, `max_age: ${maxAgeSeconds}`];
  return `${lines.join('\r\n')}\r\n`;
}
