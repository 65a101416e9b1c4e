import { describe, expect, test } from 'vitest';
import type { AutomaticReply } from '#domain/automatic-reply';
import { Settings } from '#protocols/activesync/wbxml/code-pages/settings';
import {
  child,
  childrenOf,
  type Element,
  el,
  has,
  integerOf,
  textOf,
} from '#protocols/activesync/wbxml/element';
import { startEndpoint } from './server.ts';

const { Oof, Get, Set: SetNode, Status, OofState, OofMessage, BodyType, ReplyMessage, Enabled } = Settings;
const { AppliesToInternal, AppliesToExternalKnown, AppliesToExternalUnknown, StartTime, EndTime } = Settings;
const versions = ['12.0', '12.1', '14.0', '14.1', '16.0', '16.1'] as const;
const start = '2026-12-24T18:00:00.000Z';
const end = '2027-01-02T08:00:00.000Z';

const full: AutomaticReply = {
  state: 'ENABLED',
  internal: { message: 'Back on Monday & <soon>', bodyType: 'Text' },
  isInternalEnabled: true,
  external: { message: '<p>Away</p>', bodyType: 'HTML' },
  externalAudience: 'KNOWN',
};

const get = (bodyType?: string) =>
  el(Oof, el(Get, bodyType === undefined ? undefined : el(BodyType, bodyType)));
const set = (...parts: readonly Element[]) => el(Oof, el(SetNode, ...parts));
const message = (audience: typeof AppliesToInternal, ...parts: readonly Element[]) =>
  el(OofMessage, el(audience), ...parts);
const reply = (text: string, type = 'Text') => [el(ReplyMessage, text), el(BodyType, type)];

/** A phone of alice, what it asks for, and the reply that is kept. */
async function open(version: (typeof versions)[number] = '14.1') {
  const server = await startEndpoint();
  const phone = server.phone(version);
  await phone.provision();
  const ref = server.alice.mailbox;
  return {
    server,
    ask: async (...nodes: readonly Element[]) => {
      const body = el(Settings.Settings, ...nodes);
      const answer = await phone.command('Settings', body, { validateRequest: false });
      expect(answer.rootStatus).toBe(1);
      const oof = child(answer.element, Oof);
      return { status: integerOf(oof, Status), told: child(oof, Get) };
    },
    kept: () => server.preferences.automaticReply(ref),
    keep: (given: AutomaticReply) => server.preferences.putAutomaticReply(ref, given),
  };
}

function messages(told: Element | undefined) {
  return childrenOf(told, OofMessage).map((one) => ({
    audience: one.children[0]?.tag.name,
    enabled: textOf(one, Enabled),
    text: textOf(one, ReplyMessage),
    type: textOf(one, BodyType),
  }));
}

describe.each(versions)('Settings Oof: %s', (version) => {
  test('Get of a mailbox that never had a reply gives OofState 0 and three entries', async () => {
    const { ask } = await open(version);
    const { status, told } = await ask(get('Text'));
    expect([status, integerOf(told, OofState)]).toEqual([1, 0]);
    const off = { text: '', type: 'Text', enabled: '0' };
    const internal = version === '16.1' ? { text: undefined, type: undefined } : { text: '', type: 'Text' };
    expect(messages(told)).toEqual([
      { audience: 'AppliesToInternal', enabled: '1', ...internal },
      { audience: 'AppliesToExternalKnown', ...off },
      { audience: 'AppliesToExternalUnknown', ...off },
    ]);
    expect([has(told, StartTime), has(told, EndTime)]).toEqual([false, false]);
  });

  test.each([
    ['Text', 'Back on Monday & <soon>', 'Away'],
    ['HTML', '<div>Back on Monday &amp; &lt;soon&gt;</div>', '<p>Away</p>'],
  ])(
    'Get with BodyType %s gives each text in that type, with BodyType beside it',
    async (type, inside, outside) => {
      const { ask, keep } = await open(version);
      await keep(full);
      const { told } = await ask(get(type));
      const [internal, known, unknown] = messages(told);
      expect(internal).toMatchObject({ enabled: '1', type, text: expect.stringContaining(inside) });
      expect(known).toMatchObject({ enabled: '1', type, text: expect.stringContaining(outside) });
      expect(unknown).toMatchObject({ enabled: '0', type, text: expect.stringContaining(outside) });
    },
  );

  test('Set with OofState 2 keeps texts, audiences and times; a repeated one is the same; Get gives them back', async () => {
    const { ask, kept } = await open(version);
    const request = set(
      el(OofState, 2),
      el(StartTime, start),
      el(EndTime, end),
      message(AppliesToInternal, el(Enabled, 1), ...reply('Inside')),
      message(AppliesToExternalKnown, el(Enabled, 1), ...reply('<b>Out</b>', 'HTML')),
      message(AppliesToExternalUnknown, el(Enabled, 1), ...reply('<b>Out</b>', 'HTML')),
    );
    for (let n = 0; n < 2; n++) expect((await ask(request)).status).toBe(1);
    expect(await kept()).toMatchObject({
      state: 'SCHEDULED',
      startMs: Date.parse(start),
      endMs: Date.parse(end),
      internal: { message: 'Inside', bodyType: 'Text' },
      external: { message: '<b>Out</b>', bodyType: 'HTML' },
      externalAudience: 'ALL',
    });
    const { told } = await ask(get('HTML'));
    expect([textOf(told, StartTime), textOf(told, EndTime)]).toEqual([start, end]);
    expect(integerOf(told, OofState)).toBe(2);
  });
});

test('Settings Oof: from 16.1 on the internal text is left out while OofState is 0, and only then', async () => {
  for (const [version, state, text] of [
    ['16.0', 'DISABLED', full.internal.message],
    ['16.1', 'DISABLED', undefined],
    ['16.1', 'ENABLED', full.internal.message],
  ] as const) {
    const { ask, keep } = await open(version);
    await keep({ ...full, state });
    expect(messages((await ask(get('Text'))).told)[0]?.text).toBe(text);
  }
});

test.each([
  ['Get without BodyType', get(), 2],
  ['Get with another BodyType', get('RTF'), 5],
  ['neither Get nor Set', el(Oof), 2],
  ['both Get and Set', el(Oof, el(Get, el(BodyType, 'Text')), el(SetNode)), 2],
  ['Set with StartTime alone', set(el(OofState, 1), el(StartTime, start)), 2],
  ['Set with EndTime alone', set(el(OofState, 2), el(EndTime, end)), 2],
  ['Set with OofState 2 without times', set(el(OofState, 2)), 2],
  ['Set with OofState 3', set(el(OofState, 3)), 5],
  ['Set with an OofState that is no number', set(el(OofState, 'on')), 5],
  ['Set with a StartTime that is no time', set(el(OofState, 2), el(StartTime, 'soon'), el(EndTime, end)), 5],
  [
    'Set with an EndTime before its StartTime',
    set(el(OofState, 2), el(StartTime, end), el(EndTime, start)),
    6,
  ],
  ['Set with a message for nobody', set(el(OofMessage, el(Enabled, 1))), 2],
  ['Set with an audience twice', set(message(AppliesToInternal), message(AppliesToInternal)), 2],
  ['Set with another BodyType', set(message(AppliesToInternal, ...reply('x', 'RTF'))), 5],
  ['Set with a text over 32 KiB', set(message(AppliesToInternal, ...reply('x'.repeat(32_769)))), 5],
])('Settings Oof: %s answers its node a status, and nothing changes', async (_what, node, status) => {
  const { ask, kept, keep } = await open();
  await keep(full);
  expect(await ask(node)).toEqual({ status, told: undefined });
  expect(await kept()).toMatchObject(full);
});

test('Settings Oof: StartTime and EndTime with OofState 1 or 0 answer Status 1 and are not kept', async () => {
  const { ask, kept } = await open();
  for (const [state, name] of [
    [1, 'ENABLED'],
    [0, 'DISABLED'],
  ] as const) {
    const { status } = await ask(set(el(OofState, state), el(StartTime, start), el(EndTime, end)));
    expect([status, await kept()]).toEqual([1, expect.objectContaining({ state: name })]);
    expect((await kept()).startMs).toBeUndefined();
  }
});

test('Settings Oof: what a Set leaves out stays: texts, audiences, state and times', async () => {
  const { ask, kept, keep } = await open();
  const scheduled = {
    ...full,
    state: 'SCHEDULED',
    startMs: Date.parse(start),
    endMs: Date.parse(end),
  } as const;
  await keep(scheduled);
  expect((await ask(set())).status).toBe(1);
  expect(await kept()).toMatchObject(scheduled);
  await ask(set(message(AppliesToInternal, ...reply('New'))));
  expect(await kept()).toMatchObject({ ...scheduled, internal: { message: 'New', bodyType: 'Text' } });
  await ask(set(el(OofState, 0), message(AppliesToExternalUnknown, el(Enabled, 0))));
  expect(await kept()).toMatchObject({
    state: 'DISABLED',
    externalAudience: 'KNOWN',
    external: full.external,
  });
});

test.each([
  [0, 0, 'NONE'],
  [1, 0, 'KNOWN'],
  [1, 1, 'ALL'],
  [0, 1, 'ALL'],
] as const)(
  'Settings Oof: Enabled %i for those known and %i for those unknown outside answers %s',
  async (known, unknown, audience) => {
    const { ask, kept } = await open();
    const { status } = await ask(
      set(
        el(OofState, 1),
        message(AppliesToExternalKnown, el(Enabled, known), ...reply('known')),
        message(AppliesToExternalUnknown, el(Enabled, unknown), ...reply('unknown')),
      ),
    );
    expect([status, (await kept()).externalAudience]).toEqual([1, audience]);
    expect((await kept()).external.message).toBe(known === 0 && unknown === 1 ? 'unknown' : 'known');
  },
);

test('Settings Oof: a message for both audiences outside, without BodyType, is text', async () => {
  const { ask, kept } = await open();
  const both = el(
    OofMessage,
    el(AppliesToExternalKnown),
    el(AppliesToExternalUnknown),
    el(Enabled, 1),
    el(ReplyMessage, 'a < b'),
  );
  expect((await ask(set(el(OofState, 1), both))).status).toBe(1);
  expect(await kept()).toMatchObject({
    externalAudience: 'ALL',
    external: { message: 'a < b', bodyType: 'Text' },
  });
});

test('Settings Oof: Enabled 0 for those inside turns their answer off and keeps its text', async () => {
  const { ask, kept, keep } = await open();
  await keep(full);
  await ask(set(message(AppliesToInternal, el(Enabled, 0))));
  expect(await kept()).toMatchObject({ isInternalEnabled: false, internal: full.internal });
});
