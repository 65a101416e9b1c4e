import { defineCodePage } from '../code-page.ts';

/** MS-ASWBXML, code page 6: GetItemEstimate. Legacy, read from old clients only: Version, DateTime. */
export const GetItemEstimate = defineCodePage(6, 'GetItemEstimate', {
  GetItemEstimate: 0x05,
  Version: 0x06,
  Collections: 0x07,
  Collection: 0x08,
  Class: 0x09,
  CollectionId: 0x0a,
  DateTime: 0x0b,
  Estimate: 0x0c,
  Response: 0x0d,
  Status: 0x0e,
});
