/** MS-ASPROV, Status (Provision); 139, 141, 145 and 165 are common ones. */
export const ProvisionStatus = { Success: 1, ProtocolError: 2 } as const;

/** MS-ASPROV, Status (Policy) of a response. */
export const PolicyStatus = { Success: 1, UnknownPolicyType: 3, WrongPolicyKey: 5 } as const;
export type PolicyStatus = (typeof PolicyStatus)[keyof typeof PolicyStatus];
