import { expect, test } from 'vitest';
import { plainMailbox } from './mailbox.ts';

test.each([
  ['bob@ours.example', 'bob@ours.example'],
  ['"bob"@ours.example', 'bob@ours.example'],
  ['"b\\ob.smith"@ours.example', 'bob.smith@ours.example'],
  ['"b ob"@ours.example', '"b ob"@ours.example'],
  ['"a..b."@docomo.example', '"a..b."@docomo.example'],
  ['"a\\"b"@ours.example', '"a\\"b"@ours.example'],
  ['bounce.@away.example', 'bounce.@away.example'],
  ['root@my_host.example', 'root@my_host.example'],
  ['bob@[192.0.2.1]', 'bob@[192.0.2.1]'],
  ['bob@[IPv6:2001:db8::1]', 'bob@[IPv6:2001:db8::1]'],
  ['bob@münchen.example', 'bob@münchen.example'],
  ['"bob@ours.example', undefined],
  ['bob"@ours.example', undefined],
  ['"bob"x@ours.example', undefined],
  ['"bob\\"@ours.example', undefined],
  ['b\\ob@ours.example', undefined],
  ['bob@ours.example.', undefined],
  ['bob@.ours.example', undefined],
  ['bob@ours..example', undefined],
  ['bob@[192.0.2.1', undefined],
  ['bob@ours.example]', undefined],
  ['bob@[]', undefined],
  ['bob@a,b', undefined],
])('%s means %s', (address, plain) => {
  expect(plainMailbox(address)).toBe(plain);
});
