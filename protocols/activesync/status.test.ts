import { describe, expect, it } from 'vitest';
import { CommonStatus, httpStatusOf } from './status.ts';

const sync = { command: 'Sync', policyKey: 1 };

describe('the HTTP status below 14.0', () => {
  it.each([
    [CommonStatus.InvalidWBXML, 400],
    [CommonStatus.ServerError, 500],
    [CommonStatus.ServerErrorRetryLater, 503],
    [CommonStatus.MailboxQuotaExceeded, 507],
    [CommonStatus.UserDisabledForSync, 403],
    [CommonStatus.CommandNotSupported, 501],
    [CommonStatus.DeviceNotProvisioned, 449],
    [CommonStatus.PolicyRefresh, 449],
    [CommonStatus.ItemNotFound, 500],
  ])('of %i is %i', (status, http) => {
    expect(httpStatusOf(status, sync)).toBe(http);
  });

  it('of 106 is 500 for SendMail, of 132 is 500 for Provision', () => {
    expect(httpStatusOf(CommonStatus.InvalidIDs, sync)).toBe(400);
    expect(httpStatusOf(CommonStatus.InvalidIDs, { ...sync, command: 'SendMail' })).toBe(500);
    expect(httpStatusOf(CommonStatus.SyncStateNotFound, sync)).toBe(403);
    expect(httpStatusOf(CommonStatus.SyncStateNotFound, { ...sync, command: 'Provision' })).toBe(500);
  });

  it('of 111 is 500 for GetHierarchy', () => {
    expect(httpStatusOf(CommonStatus.ServerErrorRetryLater, { ...sync, command: 'GetHierarchy' })).toBe(500);
  });

  it('of 140 is 449, and 403 for a client that sent no policy key', () => {
    expect(httpStatusOf(CommonStatus.RemoteWipeRequested, sync)).toBe(449);
    expect(httpStatusOf(CommonStatus.RemoteWipeRequested, { ...sync, policyKey: undefined })).toBe(403);
  });
});
