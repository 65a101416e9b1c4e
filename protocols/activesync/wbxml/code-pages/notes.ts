import { defineCodePage } from '../code-page.ts';

/** MS-ASWBXML, code page 23: Notes. */
export const Notes = defineCodePage(23, 'Notes', {
  Subject: 0x05,
  MessageClass: 0x06,
  LastModifiedDate: 0x07,
  Categories: 0x08,
  Category: 0x09,
});
