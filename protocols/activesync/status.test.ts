import { describe, expect, it } from 'vitest';
import { CommonStatus, httpStatusOf, isKnownIn } from './status.ts';

const sync = { command: 'Sync', policyKey: 1 };

describe('the HTTP status below 14.0', () => {
  it('is 400 for what the client sent wrongly', () => {
    for (const status of [101, 102, 103, 104, 105, 106, 107, 108, 109, 138, 147] as const) {
      expect(httpStatusOf(status, sync), String(status)).toBe(400);
    }
  });

  it('is 403 for who may not, 449 for who has to provision, 501, 503 and 507', () => {
    for (const [http, statuses] of [
      [403, [112, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 139, 145, 177]],
      [449, [140, 141, 142, 143, 144]],
      [501, [137]],
      [503, [111, 114, 133]],
      [507, [113]],
    ] as const) {
      for (const status of statuses) expect(httpStatusOf(status, sync), String(status)).toBe(http);
    }
  });

  it('is 500 for all others', () => {
    const rest = [115, 116, 117, 118, 119, 120, 121, 122, 134, 135, 136, 146, 148, 149, 150, 151] as const;
    for (const status of [110, ...rest] as const)
      expect(httpStatusOf(status, sync), String(status)).toBe(500);
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

describe('a common status', () => {
  it('is known from 14.0 on, from 164 on since 14.1, from 178 on since 16.0', () => {
    for (const [status, known] of [
      [12, [true, true, true, true]],
      [101, [false, true, true, true]],
      [163, [false, true, true, true]],
      [164, [false, false, true, true]],
      [177, [false, false, true, true]],
      [178, [false, false, false, true]],
      [184, [false, false, false, true]],
    ] as const) {
      const versions = ['12.1', '14.0', '14.1', '16.0'] as const;
      expect(
        versions.map((version) => isKnownIn(status, version)),
        String(status),
      ).toEqual(known);
    }
  });
});
