import { defineCodePage } from '../code-page.ts';

/** MS-ASWBXML, code page 13: Ping. Legacy, read from old clients only: AutdState, Version. */
export const Ping = defineCodePage(13, 'Ping', {
  Ping: 0x05,
  AutdState: 0x06,
  Status: 0x07,
  HeartbeatInterval: 0x08,
  Folders: 0x09,
  Folder: 0x0a,
  Id: 0x0b,
  Class: 0x0c,
  MaxFolders: 0x0d,
  Version: 0x0e,
});
