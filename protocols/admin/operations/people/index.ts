import type { Directory } from '#directory/directory';
import { photoType } from '#directory/photo';
import type { UserCertificate } from '#directory/user-certificate';
import type { AdminOperation } from '../../endpoint.ts';
import { AdminError } from '../../errors.ts';
import type { AdminInput } from '../../shape.ts';
import { organizationOf, requiredText, timestamp } from '../input.ts';

/** peopleOperations are the operations on users' photos and S/MIME certificates. */
export function peopleOperations({
  people,
}: Pick<Directory, 'people'>): Readonly<Record<string, AdminOperation>> {
  return {
    'Mailstead.GetUserPhoto': async (input) => {
      const photo = await people.photo(organizationOf(input), userOf(input));
      return photo === undefined ? {} : { Photo: base64(photo), ContentType: photoType(photo) };
    },
    'Mailstead.PutUserPhoto': async (input) => {
      const photo = bytesOf(requiredText(input, 'Photo'), 'photo');
      await people.putPhoto(organizationOf(input), userOf(input), photo);
      return {};
    },
    'Mailstead.DeleteUserPhoto': async (input) => {
      await people.deletePhoto(organizationOf(input), userOf(input));
      return {};
    },
    'Mailstead.ListUserCertificates': async (input) =>
      written(await people.certificates(organizationOf(input), userOf(input))),
    'Mailstead.PutUserCertificates': async (input) => {
      const given = certificatesOf(input);
      return written(await people.putCertificates(organizationOf(input), userOf(input), given));
    },
    'Mailstead.DeleteUserCertificate': async (input) => {
      const fingerprint = requiredText(input, 'Fingerprint');
      await people.deleteCertificate(organizationOf(input), userOf(input), fingerprint);
      return {};
    },
  };
}

function userOf(input: AdminInput): string {
  return requiredText(input, 'UserId');
}

function certificatesOf(input: AdminInput): readonly Uint8Array[] {
  const given = input['Certificates'];
  const texts = Array.isArray(given) ? given.filter((text): text is string => typeof text === 'string') : [];
  return texts.map((text, index) => bytesOf(text, `certificates.${index + 1}.member`));
}

/** RFC 4648 §4, also in lines. */
function bytesOf(text: string, member: string): Uint8Array {
  const joined = text.replace(/\s+/g, '');
  if (joined.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(joined)) return Buffer.from(joined, 'base64');
  throw new AdminError('InvalidParameterException', `Value at '${member}' must be base64.`);
}

function written(certificates: readonly UserCertificate[]): object {
  return {
    Certificates: certificates.map((one) => ({
      Fingerprint: one.fingerprint,
      Subject: one.subject,
      Issuer: one.issuer,
      SerialNumber: one.serialNumber,
      EmailAddresses: one.addresses,
      NotBefore: timestamp(one.notBeforeMs),
      NotAfter: timestamp(one.notAfterMs),
      Certificate: base64(one.der),
    })),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
