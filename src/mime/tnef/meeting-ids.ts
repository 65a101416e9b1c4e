/** MS-OXPROPS: the sets of named properties that meetings use, as they stand in a stream. */
const appointment = '0220060000000000c000000000000046';
const common = '0820060000000000c000000000000046';
const meeting = '90dad86e0b451b1098da00aa003f1305';

/** What the numbers of a set begin at here, behind those of properties without a name. */
const setStarts: ReadonlyMap<string, number> = new Map([
  [appointment, 0x10000],
  [common, 0x20000],
  [meeting, 0x30000],
]);

/** A property with a name that is a number, by its set; undefined for one of another set. */
export function namedId(set: string, number: number): number | undefined {
  const start = setStarts.get(set);
  return start === undefined || number > 0xffff ? undefined : start + number;
}

/** MS-OXOCAL: properties of a message about a meeting. */
export const meetingId = {
  MessageClass: 0x001a,
  Sensitivity: 0x0036,
  StartDate: 0x0060,
  EndDate: 0x0061,
  ResponseRequested: 0x0063,
  AppointmentSequence: 0x18201,
  BusyStatus: 0x18205,
  Location: 0x18208,
  AppointmentStartWhole: 0x1820d,
  AppointmentEndWhole: 0x1820e,
  AppointmentSubType: 0x18215,
  AppointmentRecur: 0x18216,
  IntendedBusyStatus: 0x18224,
  ExceptionReplaceTime: 0x18228,
  TimeZoneStruct: 0x18233,
  TimeZoneDescription: 0x18234,
  AppointmentProposedStartWhole: 0x18250,
  AppointmentProposedEndWhole: 0x18251,
  AppointmentCounterProposal: 0x18257,
  AppointmentNotAllowPropose: 0x1825a,
  ReminderDelta: 0x28501,
  ReminderSet: 0x28503,
  GlobalObjectId: 0x30003,
  OwnerCriticalChange: 0x3001a,
  CleanGlobalObjectId: 0x30023,
} as const;
