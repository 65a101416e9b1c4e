/** MS-ASCMD, Status (MoveItems). Success is 3 here, not 1. */
export const MoveItemsStatus = {
  InvalidSource: 1,
  InvalidDestination: 2,
  Success: 3,
  SameFolder: 4,
  Failed: 5,
} as const;
export type MoveItemsStatus = (typeof MoveItemsStatus)[keyof typeof MoveItemsStatus];
