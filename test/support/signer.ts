import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { dkimSign, sealMessage } from 'mailauth';

/** A key pair for signing, and its record. */
export interface SigningKey {
  readonly privateKey: string;
  /** TXT at `<selector>._domainkey.<domain>`. RFC 6376 §3.6.1, RFC 8463 §4. */
  readonly record: string;
}

export function rsaKey(modulusLength = 1024): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength });
  const p = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  return { privateKey: pem(privateKey), record: `v=DKIM1; k=rsa; p=${p}` };
}

export function ed25519Key(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const p = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
  return { privateKey: pem(privateKey), record: `v=DKIM1; k=ed25519; p=${p}` };
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

type SignOptions = Omit<Parameters<typeof dkimSign>[1], 'privateKey'>;

/** The message with a DKIM-Signature in front. */
export async function signed(message: string, key: SigningKey, options: SignOptions): Promise<string> {
  const { signatures } = await dkimSign(message, {
    signatureData: [{ ...options, ...key }],
    ...options,
    ...key,
  });
  if (signatures === '') throw new Error('the message could not be signed');
  return signatures + message;
}

/** The message with a set of ARC fields in front. RFC 8617. */
export async function sealed(
  message: string,
  key: SigningKey,
  options: Omit<Parameters<typeof sealMessage>[1], 'privateKey'>,
): Promise<string> {
  const fields = await sealMessage(message, { ...options, ...key });
  if (fields.length === 0) throw new Error('the message could not be sealed');
  return fields.toString('latin1') + message;
}
