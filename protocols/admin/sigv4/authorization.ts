import { AdminError } from '../errors.ts';

/** What an Authorization header of Signature Version 4 says. */
export interface Authorization {
  readonly accessKeyId: string;
  /** `yyyymmdd/region/service/aws4_request`. */
  readonly scope: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** Lower case, in the order of the header, which is that of the signature. */
  readonly signedHeaders: readonly string[];
  /** 64 hex digits. */
  readonly signature: string;
}

const algorithm = 'AWS4-HMAC-SHA256';
const credentialForm = /^([\w-]{16,128})\/(\d{8})\/([\w-]{1,64})\/([\w-]{1,64})\/aws4_request$/;

/** Reads an Authorization header. Throws AdminError in the words that AWS has for it. */
export function readAuthorization(header: string | undefined): Authorization {
  if (header === undefined || header === '') {
    throw new AdminError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  const [named = '', ...rest] = header.split(' ');
  if (named !== algorithm) throw incomplete(`Authorization header requires the algorithm ${algorithm}.`);
  const parts = new Map(
    rest
      .join(' ')
      .split(',')
      .map((part) => {
        const [name = '', ...value] = part.trim().split('=');
        return [name, value.join('=')] as const;
      }),
  );
  const part = (name: string) => {
    const value = parts.get(name);
    if (value === undefined || value === '')
      throw incomplete(`Authorization header requires '${name}' parameter.`);
    return value;
  };
  const credential = credentialForm.exec(part('Credential'));
  if (credential === null) {
    throw incomplete('Credential must have the form <access key id>/<date>/<region>/<service>/aws4_request.');
  }
  const signature = part('Signature');
  if (!/^[0-9a-f]{64}$/.test(signature))
    throw incomplete('Signature must be 64 hexadecimal digits in lower case.');
  const [, accessKeyId = '', date = '', region = '', service = ''] = credential;
  return {
    accessKeyId,
    scope: `${date}/${region}/${service}/aws4_request`,
    date,
    region,
    service,
    signedHeaders: part('SignedHeaders').split(';'),
    signature,
  };
}

function incomplete(message: string): AdminError {
  return new AdminError('IncompleteSignatureException', message);
}
