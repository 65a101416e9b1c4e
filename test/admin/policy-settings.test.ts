import { expect, test } from 'vitest';
import { startServer } from '#test/support/start-server';

interface Setting {
  readonly Name: string;
  readonly Element: string;
  readonly Type: 'BOOLEAN' | 'NUMBER' | 'LIST';
  readonly Minimum?: number;
  readonly Maximum?: number;
  readonly Values?: readonly number[];
}

async function serve() {
  const server = await startServer();
  const { Settings } = await server.admin('Mailstead.ListMobilePolicySettings');
  const put = async (Policy: object) =>
    (await server.admin('Mailstead.PutMobilePolicy', { OrganizationId: server.organization, Policy }))[
      'Policy'
    ];
  return { settings: Settings as readonly Setting[], put };
}

/** What a setting takes, and what it does not. */
function valuesOf({ Element, Type, Minimum = 0, Maximum = 0, Values }: Setting): {
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
} {
  switch (Type) {
    case 'BOOLEAN':
      return { good: [true, false], bad: ['true', 1, [], {}] };
    case 'LIST':
      if (Element === 'ApprovedApplicationList') {
        const [one, two] = ['2jmj7l5rSw0yVb/vlWAYkK/YBwk=', `${'A'.repeat(27)}=`];
        return { good: [[one], [one, two]], bad: [[], ['one'], [one, 'game.exe'], Array(501).fill(one)] };
      }
      return {
        good: [[], ['one'], ['one', 'two']],
        bad: ['one', [''], [1], Array(501).fill('x'), ['x'.repeat(1025)]],
      };
    case 'NUMBER':
      if (Values !== undefined) return { good: Values, bad: [Math.max(...Values) + 1, -1, 1.5, '4', 1e30] };
      return {
        good: [Minimum, Maximum],
        bad: [Minimum - 1, Maximum + 1, Minimum + 0.5, String(Minimum), true],
      };
  }
}

test('PutMobilePolicy: every setting by both of its names takes what it takes, and refuses the rest by name', async () => {
  const { settings, put } = await serve();
  expect(settings).toHaveLength(42);
  for (const setting of settings) {
    const { good, bad } = valuesOf(setting);
    for (const value of good) {
      expect(await put({ [setting.Element]: value })).toEqual({ [setting.Name]: value });
      expect(await put({ [setting.Name]: value })).toEqual({ [setting.Name]: value });
    }
    for (const value of bad) {
      const error: unknown = await put({ [setting.Element]: value }).catch((refusal: unknown) => refusal);
      expect(error, `${setting.Element}=${JSON.stringify(value)}`).toMatchObject({
        name: expect.stringMatching(/^(InvalidParameter|Serialization)Exception$/),
      });
    }
  }
});

test('PutMobilePolicy: a value out of its range is refused with the setting and the range', async () => {
  const { put } = await serve();
  await expect(put({ MinimumPasswordLength: 17 })).rejects.toThrow(
    /minimumPasswordLength.*less than or equal to 16/,
  );
  await expect(put({ MaxCalendarAgeFilter: 3 })).rejects.toThrow(/maxCalendarAgeFilter.*\[0, 4, 5, 6, 7\]/);
  await expect(put({ AllowCamra: false })).rejects.toThrow(/Unknown member 'AllowCamra'/);
});

test('ListMobilePolicySettings: names, types, ranges and defaults as MS-ASPROV has them', async () => {
  const { settings } = await serve();
  const of = (element: string) => settings.find(({ Element }) => Element === element);
  expect(of('MinDevicePasswordLength')).toEqual({
    Name: 'MinimumPasswordLength',
    Element: 'MinDevicePasswordLength',
    Type: 'NUMBER',
    Minimum: 1,
    Maximum: 16,
  });
  expect(of('MaxCalendarAgeFilter')).toEqual({
    Name: 'MaxCalendarAgeFilter',
    Element: 'MaxCalendarAgeFilter',
    Type: 'NUMBER',
    Values: [0, 4, 5, 6, 7],
    Default: 0,
  });
  expect(of('AllowCamera')).toMatchObject({ Type: 'BOOLEAN', Default: true });
  expect(of('ApprovedApplicationList')).toMatchObject({ Type: 'LIST' });
});
