import { expect, test } from 'vitest';
import type { Directory } from '#directory/directory';
import type { DeviceTraces } from '#domain/device-trace';
import type { Devices } from '#domain/devices';
import { silentLogger } from '#telemetry/log';
import { deviceInsightOperations } from './index.ts';

const OrganizationId = `m-${'0'.repeat(31)}1`;
const user = '00000000-0000-4000-8000-000000000001';

/** The operations over parts that give what they are asked, and the lines they log. */
function serve() {
  const lines: unknown[] = [];
  const log = { ...silentLogger, info: (event: string, fields?: object) => void lines.push([event, fields]) };
  const setting = { sinceMs: 0, untilMs: 1000, by: 'root' };
  const operations = deviceInsightOperations({
    directory: { describeUser: async () => ({ id: user }) } as unknown as Directory,
    devices: {
      get: async (_ref: unknown, id: string) => ({ id, recoveryPassword: { password: 'hunter2', setMs: 0 } }),
    } as unknown as Devices,
    traces: {
      start: async () => setting,
      end: async () => setting,
      isOn: () => true,
    } as unknown as DeviceTraces,
  });
  const call = (name: string, input: object) =>
    operations[`Mailstead.${name}`]?.(
      { OrganizationId, UserId: 'alice', DeviceId: 'D1', ...input },
      { caller: { kind: 'socket' as const }, requestId: 'r1', log },
    );
  return { lines, call };
}

const who = { by: 'root', user, device: 'd1', requestId: 'r1' };

test('PutDeviceTrace: the log says who switched it on, for how long, and who switched it off', async () => {
  const { lines, call } = serve();
  await call('PutDeviceTrace', { Enabled: true, RequestedBy: 'root' });
  await call('PutDeviceTrace', { Enabled: false, RequestedBy: 'root' });
  expect(lines).toEqual([
    ['device.trace.on', { ...who, minutes: 60 }],
    ['device.trace.off', who],
  ]);
});

test('GetDeviceRecoveryPassword: the log says who looked, and not what it is', async () => {
  const { lines, call } = serve();
  expect(await call('GetDeviceRecoveryPassword', { RequestedBy: 'root' })).toMatchObject({
    RecoveryPassword: 'hunter2',
  });
  expect(lines).toEqual([['device.recovery-password.shown', { ...who, hadOne: true }]]);
});
