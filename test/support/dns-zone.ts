/** DNS for tests of what asks it: answers from a table, without a socket. */

/** What a name has; 'fails' stands for SERVFAIL, 'silent' for a server that never answers. */
interface ZoneName {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly mx?: readonly string[];
  readonly ptr?: readonly string[];
  readonly txt?: readonly string[];
  readonly is?: 'fails' | 'silent';
}

export type Zone = Readonly<Record<string, ZoneName>>;

/** Answers from the table, as Node's dns.promises.resolve; `asked` gets every question. */
export function zoneResolver(zone: Zone, asked: string[] = []) {
  return async (name: string, type: string): Promise<readonly unknown[]> => {
    asked.push(`${type} ${name}`);
    const found = zone[name.toLowerCase()];
    if (found === undefined) throw dnsError('ENOTFOUND');
    if (found.is === 'fails') throw dnsError('ESERVFAIL');
    if (found.is === 'silent') return new Promise(() => undefined);
    const records = recordsOf(found, type);
    if (records.length === 0) throw dnsError('ENODATA');
    return records;
  };
}

function recordsOf({ a, aaaa, mx, ptr, txt }: ZoneName, type: string): readonly unknown[] {
  switch (type) {
    case 'A':
      return a ?? [];
    case 'AAAA':
      return aaaa ?? [];
    case 'MX':
      return (mx ?? []).map((exchange, n) => ({ exchange, priority: n }));
    case 'PTR':
      return ptr ?? [];
    case 'TXT':
      return (txt ?? []).map((text) => text.match(/.{1,255}/gs) ?? ['']);
    default:
      return [];
  }
}

function dnsError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
