import { defineCodePage } from '../code-page.ts';

/** MS-ASWBXML, code page 19: DocumentLibrary. */
export const DocumentLibrary = defineCodePage(19, 'DocumentLibrary', {
  LinkId: 0x05,
  DisplayName: 0x06,
  IsFolder: 0x07,
  CreationDate: 0x08,
  LastModifiedDate: 0x09,
  IsHidden: 0x0a,
  ContentLength: 0x0b,
  ContentType: 0x0c,
});
