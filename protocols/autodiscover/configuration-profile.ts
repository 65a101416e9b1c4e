import { createHash } from 'node:crypto';
import type { Account } from '#directory/account';
import { domainOf } from '#directory/address';
import { HttpError } from '#protocols/http/http-error';
import { send } from '#protocols/http/response';
import type { Route } from '#protocols/http/router';
import { signInOver } from '#protocols/http/sign-in';
import { activeSyncUrl, type Endpoints, profilePath } from './endpoints.ts';
import type { AutodiscoverParts } from './parts.ts';
import { askedOverTls, optionsHandler } from './plain-http.ts';
import { type PlistValue, plist } from './plist.ts';
import { isAddressOf, queryOf } from './query.ts';

const headers = {
  'Content-Type': 'application/x-apple-aspen-config',
  'Content-Disposition': 'attachment; filename="mail.mobileconfig"',
  'Cache-Control': 'no-store',
} as const;
/** Of the values a phone knows, as many days as its own menu begins with after a week. */
const pastDays = 31;

/**
 * profileRoute gives Apple's configuration profile for the account of who signs in (Apple, Device Management: Profile,
 * ExchangeActiveSync). `address`, if given, must be one of its addresses: anybody else's and nobody's answer 404 alike.
 */
export function profileRoute(parts: AutodiscoverParts): Route {
  const GET = askedOverTls(
    parts,
    async (request, response, http) => {
      const account = await signInOver(parts.signIn, request, http);
      const address = queryOf(request.url ?? '', 'address');
      if (address !== undefined && !isAddressOf(account.addresses, address)) {
        throw new HttpError(404, 'Not found');
      }
      const profile = Buffer.from(plist(profileOf(account, parts.endpoints())));
      send(response, 200, headers, parts.signProfile?.(profile) ?? profile);
    },
    ({ url }) => withAddress(queryOf(url ?? '', 'address')),
  );
  return { path: profilePath, methods: { GET, OPTIONS: optionsHandler('GET, HEAD, OPTIONS') } };
}

function withAddress(address: string | undefined): string {
  return address === undefined ? profilePath : `${profilePath}?address=${encodeURIComponent(address)}`;
}

/** Identifiers and UUIDs stay the same: a profile that is loaded again takes the place of the one before. */
function profileOf({ entity, address }: Account, endpoints: Endpoints): PlistValue {
  const url = new URL(activeSyncUrl(endpoints));
  const identifier = `mailstead.${entity}`;
  const payload = {
    PayloadType: 'com.apple.eas.account',
    PayloadVersion: 1,
    PayloadIdentifier: `${identifier}.eas`,
    PayloadUUID: stableUuid(`${identifier}.eas`),
    PayloadDisplayName: address,
    EmailAddress: address,
    Host: url.host,
    SSL: url.protocol === 'https:',
    UserName: address,
    MailNumberOfPastDaysToSync: pastDays,
  };
  return {
    PayloadType: 'Configuration',
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: stableUuid(identifier),
    PayloadDisplayName: address,
    PayloadDescription: 'Mail, calendars and contacts. The password is asked for.',
    PayloadOrganization: domainOf(address) ?? '',
    PayloadRemovalDisallowed: false,
    PayloadContent: [payload],
  };
}

/** RFC 9562 §5.8: a UUID of version 8, of what it identifies. */
function stableUuid(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
    .toUpperCase();
}
