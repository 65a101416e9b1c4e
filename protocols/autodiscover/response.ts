import { escaped } from './xml.ts';

/** What a phone is told (MS-ASCMD, Autodiscover). */
export interface MobileSyncSettings {
  readonly displayName: string;
  /** The primary address: phones put it in the place of what was typed. */
  readonly address: string;
  /** Of the ActiveSync endpoint. */
  readonly url: string;
}

/** MS-ASCMD, ErrorCode (Autodiscover): 600 and 601; 500 is what Exchange answers for an address it does not know. */
export const ErrorCode = {
  AddressNotFound: 500,
  InvalidRequest: 600,
  NoProvider: 601,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

const messages: Readonly<Record<ErrorCode, string>> = {
  [ErrorCode.AddressNotFound]: "The email address can't be found.",
  [ErrorCode.InvalidRequest]: 'Invalid Request',
  [ErrorCode.NoProvider]: 'Provider is not available',
};

const schemas = 'http://schemas.microsoft.com/exchange/autodiscover';

/** settingsDocument is the answer in the mobilesync schema. */
export function settingsDocument({ displayName, address, url }: MobileSyncSettings): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="${schemas}/responseschema/2006">
  <Response xmlns="${schemas}/mobilesync/responseschema/2006">
    <Culture>en:us</Culture>
    <User>
      <DisplayName>${escaped(displayName)}</DisplayName>
      <EMailAddress>${escaped(address)}</EMailAddress>
    </User>
    <Action>
      <Settings>
        <Server>
          <Type>MobileSync</Type>
          <Url>${escaped(url)}</Url>
          <Name>${escaped(url)}</Name>
        </Server>
      </Settings>
    </Action>
  </Response>
</Autodiscover>
`;
}

/** errorDocument is the framework's error: no Response in the schema that was asked for. `id` is unsigned 32 bit. */
export function errorDocument(code: ErrorCode, at: Date, id: number): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="${schemas}/responseschema/2006">
  <Response>
    <Error Time="${at.toISOString().slice(11, 23)}0000" Id="${id}">
      <ErrorCode>${code}</ErrorCode>
      <Message>${escaped(messages[code])}</Message>
      <DebugData />
    </Error>
  </Response>
</Autodiscover>
`;
}
