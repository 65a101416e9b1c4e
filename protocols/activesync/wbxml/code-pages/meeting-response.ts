import { defineCodePage } from '../code-page.ts';

/** MS-ASWBXML, code page 8: MeetingResponse. Legacy, read from old clients only: Version. */
export const MeetingResponse = defineCodePage(8, 'MeetingResponse', {
  CalendarId: 0x05,
  CollectionId: 0x06,
  MeetingResponse: 0x07,
  RequestId: 0x08,
  Request: 0x09,
  Result: 0x0a,
  Status: 0x0b,
  UserResponse: 0x0c,
  Version: 0x0d,
  InstanceId: 0x0e,
  ProposedStartTime: 0x10,
  ProposedEndTime: 0x11,
  SendResponse: 0x12,
});
