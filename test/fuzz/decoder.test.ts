import { expect, test } from 'vitest';
import { CommandError } from '#protocols/activesync/command-error';
import { commands } from '#protocols/activesync/commands/index';
import { protocolVersions } from '#protocols/activesync/protocol-version';
import { RequestLineError, readRequestLine } from '#protocols/activesync/request-line';
import { decode, WbxmlContentError } from '#protocols/activesync/wbxml/decode';
import type { Element } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';
import { Choices } from '#test/support/choices';
import { casesOf } from './cases.ts';
import { type Known, requestsFor } from './corpus.ts';
import { fuzzed, mutatedBytes } from './mutate.ts';

const known: Known = {
  folderKey: 'abcdefgh.1',
  syncKey: 'abcdefgh.1',
  inbox: '1',
  item: '1:1',
  address: 'a@example.test',
};
const names = Object.keys(commands);
const roots = names.flatMap((name) => requestsFor(name, known));

/** Elements, and characters and bytes in them. */
function sizeOf(element: Element): { elements: number; content: number; depth: number } {
  let [elements, content, depth] = [1, element.text.length + (element.opaque?.length ?? 0), 0];
  for (const one of element.children) {
    const size = sizeOf(one);
    elements += size.elements;
    content += size.content;
    depth = Math.max(depth, size.depth);
  }
  return { elements, content, depth: depth + 1 };
}

/** The document of a case, if it is one. */
function decoded(bytes: Uint8Array, what: string): Element | undefined {
  try {
    return decode(bytes).root;
  } catch (error) {
    if (error instanceof WbxmlContentError) return undefined;
    throw new Error(what, { cause: error });
  }
}

test('WBXML: whatever comes is a document no larger than its bytes, or one typed error', {
  timeout: 3_600_000,
}, () => {
  for (const n of casesOf(40_000)) {
    const choices = new Choices(n);
    const root = choices.of(roots);
    if (root === undefined) return;
    const bytes = fuzzed(root, choices);
    const document = decoded(bytes, `FUZZ_CASE=${n}`);
    if (document === undefined) continue;
    const { elements, content, depth } = sizeOf(document);
    expect(elements <= bytes.length && content <= bytes.length && depth <= 64, `FUZZ_CASE=${n}`).toBe(true);
    // What is written of it is read as the same.
    const again = encode(document);
    expect(Buffer.from(encode(decode(again).root)).equals(again), `FUZZ_CASE=${n}`).toBe(true);
  }
});

test('WBXML: each request cut short at each byte is one typed error', () => {
  for (const root of roots) {
    const bytes = encode(root);
    for (let length = 0; length < bytes.length; length++) {
      expect(decoded(bytes.subarray(0, length), `${root.tag.name} at ${length}`)).toBeUndefined();
    }
  }
});

test.each(names)(
  '%s: its reader takes whatever document comes, or refuses it with a status',
  { timeout: 3_600_000 },
  (name) => {
    const requests = requestsFor(name, known);
    expect(requests.length, 'requests to begin with').toBeGreaterThan(0);
    for (const n of casesOf(2_000)) {
      const choices = new Choices(n);
      const root = choices.of(choices.oneIn(20) ? roots : requests);
      const version = choices.of(protocolVersions) ?? '14.1';
      const document = root && decoded(fuzzed(root, choices), `FUZZ_CASE=${n}`);
      if (document === undefined) continue;
      const line = readRequestLine(`/?Cmd=${name}&User=a&DeviceId=d&DeviceType=t`, {
        'ms-asprotocolversion': version,
      });
      try {
        commands[name as keyof typeof commands].prepare({ kind: 'document', root: document }, line);
      } catch (error) {
        if (!(error instanceof CommandError)) throw new Error(`FUZZ_CASE=${n}`, { cause: error });
      }
    }
  },
);

test('the request line: any query and header is read, or refused with a status', {
  timeout: 3_600_000,
}, () => {
  const plain =
    'Cmd=Sync&User=a&DeviceId=v140Device&DeviceType=SmartPhone&CollectionId=1&SaveInSent=T&ItemId=1:1';
  for (const n of casesOf(20_000)) {
    const choices = new Choices(n);
    const isPlain = choices.oneIn(2);
    const base64 = Buffer.from(
      mutatedBytes(Buffer.from('jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l', 'base64'), choices),
    );
    const query = isPlain
      ? Buffer.from(mutatedBytes(Buffer.from(plain), choices)).toString('latin1')
      : base64.toString('base64');
    const headers = choices.oneIn(3)
      ? {}
      : {
          'ms-asprotocolversion': choices.of(['14.1', '2.5', '99', '', 'x']) ?? '',
          'x-ms-policykey': choices.of(['1', '-1', '99999999999', 'x', '']) ?? '',
        };
    try {
      readRequestLine(`/Microsoft-Server-ActiveSync?${query}`, headers);
    } catch (error) {
      if (!(error instanceof RequestLineError)) throw new Error(`FUZZ_CASE=${n}`, { cause: error });
    }
  }
});
