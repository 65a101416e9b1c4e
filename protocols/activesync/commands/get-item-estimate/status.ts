/** MS-ASCMD, Status (GetItemEstimate). */
export const GetItemEstimateStatus = {
  Success: 1,
  InvalidCollection: 2,
  NotPrimed: 3,
  InvalidSyncKey: 4,
} as const;
export type GetItemEstimateStatus = (typeof GetItemEstimateStatus)[keyof typeof GetItemEstimateStatus];
