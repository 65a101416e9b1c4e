/** MS-ASCMD, Status (MeetingResponse). */
export const MeetingResponseStatus = { InvalidMeetingRequest: 2 } as const;
