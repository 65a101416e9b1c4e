import { createPrivateKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Random } from '#domain/outside';
import type { DkimSigningKey } from '#mime/dkim-sign';

/** One key of a mail domain. */
interface DkimKey {
  /** Its record is at `<selector>._domainkey.<domain>`; never used for another key. */
  readonly selector: string;
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array;
  /** The value of its record. RFC 6376 §3.6.1, RFC 8463 §4. */
  readonly record: string;
}

/** The keys that sign together: one of each algorithm, for not every receiver knows the newer one. */
export interface DkimKeySet {
  readonly rsa: DkimKey;
  readonly ed25519: DkimKey;
  readonly createdMs: number;
  /** When both records were seen in DNS first; absent as long as they were not. */
  readonly seenMs?: number | undefined;
}

/** The record of a key that signs no more: mail signed with it is still under way. */
interface RetiredDkimRecord {
  readonly selector: string;
  readonly record: string;
  readonly keepUntilMs: number;
}

/** DomainDkim is all keys of a mail domain. */
export interface DomainDkim {
  readonly signing: DkimKeySet;
  /** Made by a rotation; they sign once their records have been seen in DNS. */
  readonly next?: DkimKeySet | undefined;
  readonly retired: readonly RetiredDkimRecord[];
}

/** How far the key behind a record is. */
export type DkimKeyState = 'SIGNING' | 'NEXT' | 'RETIRED';

/** A record that the domain's owner publishes for a key. */
export interface DkimRecord {
  readonly selector: string;
  readonly record: string;
  readonly state: DkimKeyState;
  /** Of a retired key: until when its record has to stay. */
  readonly keepUntilMs?: number | undefined;
}

/** Other servers try for up to five days (RFC 5321 §4.5.4.1), and some check a signature later than that. */
export const keepRetiredMs = 7 * 24 * 3_600_000;

const generate = promisify(generateKeyPair);

/** Makes new keys, beside the event loop: an RSA key takes a good part of a second. */
export async function makeDkimKeySet(random: Random, nowMs: number): Promise<DkimKeySet> {
  const [rsa, ed25519] = [await generate('rsa', { modulusLength: 2048 }), await generate('ed25519')];
  const day = new Date(nowMs).toISOString().slice(0, 10).replaceAll('-', '');
  // The same domain may be registered anew on the same day, here or on another server.
  const name = `ms-${day}-${Buffer.from(random.bytes(4)).toString('hex')}`;
  const [rsaPublic, ed25519Public] = [rsa, ed25519].map(({ publicKey }) =>
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const der = { type: 'pkcs8', format: 'der' } as const;
  return {
    rsa: {
      selector: `${name}-rsa`,
      privateKey: rsa.privateKey.export(der),
      record: `v=DKIM1; k=rsa; p=${rsaPublic?.toString('base64')}`,
    },
    ed25519: {
      selector: `${name}-ed25519`,
      privateKey: ed25519.privateKey.export(der),
      // RFC 8463 §4.2: the key alone, which ends its SubjectPublicKeyInfo (RFC 8410 §4).
      record: `v=DKIM1; k=ed25519; p=${ed25519Public?.subarray(-32).toString('base64')}`,
    },
    createdMs: nowMs,
  };
}

/** The records to publish: of the keys that sign, of those to come, and of those that have to stay a while. */
export function dkimRecords({ signing, next, retired }: DomainDkim, nowMs: number): readonly DkimRecord[] {
  const recordsOf = ({ rsa, ed25519 }: DkimKeySet, state: DkimKeyState) =>
    [rsa, ed25519].map(({ selector, record }) => ({ selector, record, state }));
  return [
    ...recordsOf(signing, 'SIGNING'),
    ...(next === undefined ? [] : recordsOf(next, 'NEXT')),
    ...retired
      .filter(({ keepUntilMs }) => keepUntilMs > nowMs)
      .map((one) => ({ ...one, state: 'RETIRED' as const })),
  ];
}

/** What DNS said of each record, by selector: it holds the right value, or it does not; absent if there was no answer. */
export type SeenRecords = ReadonlyMap<string, boolean>;

/**
 * The keys after a look at DNS: new ones sign from the moment that both their records are there, and the private keys of
 * those before are forgotten.
 */
export function afterLook(dkim: DomainDkim, seen: SeenRecords, nowMs: number): DomainDkim {
  const { next, retired } = dkim;
  const signing = lookedAt(dkim.signing, seen, nowMs);
  const kept = retired.filter(({ keepUntilMs }) => keepUntilMs > nowMs);
  if (next === undefined || lookedAt(next, seen, nowMs).seenMs === undefined) {
    return { signing, next, retired: kept };
  }
  const keepUntilMs = nowMs + keepRetiredMs;
  const left = [signing.rsa, signing.ed25519].map(({ selector, record }) => ({
    selector,
    record,
    keepUntilMs,
  }));
  return { signing: lookedAt(next, seen, nowMs), retired: [...left, ...kept] };
}

function lookedAt(keys: DkimKeySet, seen: SeenRecords, nowMs: number): DkimKeySet {
  const answers = [keys.rsa, keys.ed25519].map(({ selector }) => seen.get(selector));
  if (answers.every((answer) => answer === true)) return { ...keys, seenMs: keys.seenMs ?? nowMs };
  return answers.includes(false) ? { ...keys, seenMs: undefined } : keys;
}

/** The keys as a signature is made with them. Throws if they cannot be read. */
export function signingKeysOf(domain: string, { rsa, ed25519 }: DkimKeySet): readonly DkimSigningKey[] {
  const keyOf = ({ selector, privateKey }: DkimKey, algorithm: DkimSigningKey['algorithm']) => ({
    domain,
    selector,
    algorithm,
    privateKey: createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' }),
  });
  return [keyOf(rsa, 'rsa-sha256'), keyOf(ed25519, 'ed25519-sha256')];
}
