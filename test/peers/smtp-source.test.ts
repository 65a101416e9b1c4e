/** Postfix's load generator against our MX listener: nothing is lost, nothing comes twice. */
import { expect } from 'vitest';
import { runPeer, testWith } from '#test/support/peers';
import { ourDomain, startSite } from '../smtp/site.ts';

const test = await testWith('smtp-source');

/** Every combination of what the program can vary: new connections, kept ones, many recipients, many bytes. */
const bursts = [
  {
    name: '500 messages over 20 kept sessions',
    args: ['-d', '-s', '20', '-m', '500'],
    messages: 500,
    recipients: 1,
  },
  {
    name: '200 messages, each with a connection of its own, 20 at once',
    args: ['-s', '20', '-m', '200'],
    messages: 200,
    recipients: 1,
  },
  {
    name: '40 messages to 50 recipients each, 10 at once',
    args: ['-d', '-s', '10', '-m', '40', '-r', '50'],
    messages: 40,
    recipients: 50,
  },
  {
    name: '40 messages of 1 MB, 10 at once',
    args: ['-d', '-s', '10', '-m', '40', '-l', '1000000'],
    messages: 40,
    recipients: 1,
  },
];

test.each(bursts)('$name are all delivered once', async ({ args, messages, recipients }) => {
  const site = await startSite();
  // Of several recipients the others have their number in front.
  const names = ['bob', ...Array.from({ length: recipients - 1 }, (_, n) => `${n + 2}bob`)];
  const people = await Promise.all(names.map((name) => site.user(`${name}@${ourDomain}`)));
  const address = ['-f', 'joerg@away.example', '-t', `bob@${ourDomain}`];
  expect(await runPeer('smtp-source', [...args, ...address, site.address])).toMatchObject({ code: 0 });
  await site.runner.settled();
  for (const person of people) {
    const arrived = await site.messages(person);
    const ids = new Set(arrived.map(({ raw }) => /^Message-Id: (.*)$/im.exec(raw)?.[1]));
    expect([arrived.length, ids.size]).toEqual([messages, messages]);
  }
});
