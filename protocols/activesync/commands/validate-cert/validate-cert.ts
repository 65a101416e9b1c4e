import { DomainError } from '#domain/errors';
import { DerTag } from '#domain/smime/der';
import { type CommandContext, defineCommand } from '../../command.ts';
import { CommandError } from '../../command-error.ts';
import { ValidateCert } from '../../wbxml/code-pages/validate-cert.ts';
import { child, childrenOf, type Element, el, text, textOf } from '../../wbxml/element.ts';
import { statusByVerdict, ValidateCertStatus } from './status.ts';

/** MS-ASCMD, Limiting Size of Command Requests. */
const MAX_CERTIFICATES = 100;
/** In base64; no certificate for mail comes near it. */
const MAX_CERTIFICATE_LENGTH = 64 * 1024;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

interface ValidateCertRequest {
  readonly certificates: readonly Uint8Array[];
  readonly chain: readonly Uint8Array[];
  readonly isRevocationRequired: boolean;
}

/** ValidateCert: whether certificates are good for signed mail: their chains, times, uses and revocation (MS-ASCMD). */
export const validateCert = defineCommand({
  name: 'ValidateCert',
  code: 22,
  read: (body): ValidateCertRequest => ({
    certificates: readCertificates(child(body, ValidateCert.Certificates), 1),
    chain: readCertificates(child(body, ValidateCert.CertificateChain), 0),
    isRevocationRequired: readCheckCrl(textOf(body, ValidateCert.CheckCRL)),
  }),
  run: async (request, context: CommandContext): Promise<readonly ValidateCertStatus[]> => {
    try {
      const verdicts = await context.services.certificates.validate({
        ...request,
        owner: context.account.mailbox,
      });
      return verdicts.map((verdict) => statusByVerdict[verdict]);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'server/busy') throw error;
      context.log.error('activesync.command.failed', { err: error }, { command: 'ValidateCert' });
      throw new CommandError(ValidateCertStatus.ServerError, 'a fault of ours', { cause: error });
    }
  },
  write: (statuses) =>
    el(
      ValidateCert.ValidateCert,
      el(ValidateCert.Status, ValidateCertStatus.Success),
      ...statuses.map((status) => el(ValidateCert.Certificate, el(ValidateCert.Status, status))),
    ),
});

/** Throws CommandError with Status 2 for too few, too many, and what is no base64. */
function readCertificates(list: Element | undefined, least: number): readonly Uint8Array[] {
  const certificates = childrenOf(list, ValidateCert.Certificate);
  if (certificates.length < least || certificates.length > MAX_CERTIFICATES) {
    throw protocolError(`${certificates.length} certificates`);
  }
  return certificates.map(readCertificate);
}

function readCertificate(certificate: Element): Uint8Array {
  const { opaque } = certificate;
  const written = text(certificate);
  if (written.length > MAX_CERTIFICATE_LENGTH) throw protocolError('a certificate too long');
  // Sent as bytes, it may be DER already.
  if (opaque?.[0] === DerTag.Sequence) return Buffer.from(opaque);
  const base64 = written.replace(/\s+/g, '');
  if (!BASE64.test(base64)) throw protocolError('a certificate that is no base64');
  return Buffer.from(base64, 'base64');
}

function readCheckCrl(value: string | undefined): boolean {
  const flag = value?.trim().toLowerCase();
  if (flag === undefined || flag === '0' || flag === 'false') return false;
  if (flag === '1' || flag === 'true' || flag === '') return true;
  throw protocolError('CheckCRL is not 0 or 1');
}

function protocolError(message: string): CommandError {
  return new CommandError(ValidateCertStatus.ProtocolError, message);
}
