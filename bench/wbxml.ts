/**
 * The WBXML codec beside JSON of the same trees: MB/s of what each reads or writes, and documents a second.
 * Decoding takes no copy of OPAQUE values, so SendMail shows only that.
 */
import { AirSync } from '#protocols/activesync/wbxml/code-pages/air-sync';
import { AirSyncBase } from '#protocols/activesync/wbxml/code-pages/air-sync-base';
import { ComposeMail } from '#protocols/activesync/wbxml/code-pages/compose-mail';
import { Email } from '#protocols/activesync/wbxml/code-pages/email';
import { Email2 } from '#protocols/activesync/wbxml/code-pages/email2';
import { decode } from '#protocols/activesync/wbxml/decode';
import { type Element, el } from '#protocols/activesync/wbxml/element';
import { encode } from '#protocols/activesync/wbxml/encode';

const ROUND_MS = 400;

function mail(index: number, body: string): Element {
  return el(
    AirSync.Add,
    el(AirSync.ServerId, `5:${index}`),
    el(
      AirSync.ApplicationData,
      el(Email.To, '"Alice Example" <alice@example.com>'),
      el(Email.From, '"Bob Example" <bob@example.org>'),
      el(Email.Subject, `Minutes of meeting ${index}`),
      el(Email.DateReceived, '2026-11-22T11:30:00.000Z'),
      el(Email.DisplayTo, 'Alice Example'),
      el(Email.ThreadTopic, `Minutes of meeting ${index}`),
      el(Email.Importance, 1),
      el(Email.Read, index % 2 === 0),
      el(
        AirSyncBase.Body,
        el(AirSyncBase.Type, 1),
        el(AirSyncBase.EstimatedDataSize, body.length),
        el(AirSyncBase.Truncated, false),
        el(AirSyncBase.Data, body),
      ),
      el(Email.MessageClass, 'IPM.Note'),
      el(Email.InternetCPID, 65001),
      el(Email.Flag),
      el(Email.ContentClass, 'urn:content-classes:message'),
      el(AirSyncBase.NativeBodyType, 2),
      el(Email2.ConversationId, Buffer.alloc(16, index)),
      el(Email2.ConversationIndex, Buffer.alloc(5, index)),
    ),
  );
}

function sync(count: number, body: string): Element {
  const adds = Array.from({ length: count }, (_, index) => mail(index, body));
  const commands = el(AirSync.Commands, ...adds);
  return el(
    AirSync.Sync,
    el(AirSync.Collections, el(AirSync.Collection, el(AirSync.SyncKey, '2'), commands)),
  );
}

const documents: Readonly<Record<string, Element>> = {
  'Sync, 100 mails without body': sync(100, ''),
  'Sync, 100 mails of 4 KB, ASCII': sync(100, 'Dear all, here are the minutes. '.repeat(128)),
  'Sync, 100 mails of 4 KB, Cyrillic': sync(100, 'Уважаемые коллеги. '.repeat(120)),
  'SendMail, 10 MB': el(
    ComposeMail.SendMail,
    el(ComposeMail.ClientId, '1'),
    el(ComposeMail.Mime, Buffer.alloc(10e6, 'x')),
  ),
};

/** The same tree as JSON would carry it: names, texts, and bytes as base64. */
function plain({ tag, text, opaque, children }: Element): unknown {
  const content = opaque === undefined ? text : Buffer.from(opaque).toString('base64');
  return children.length === 0 ? { [tag.name]: content } : { [tag.name]: children.map(plain) };
}

/** Rounds in a second of this process's own time, which a busy machine does not disturb. */
function perSecond(work: () => unknown): number {
  const spentMs = (since: NodeJS.CpuUsage) => process.cpuUsage(since).user / 1000;
  const warmUp = process.cpuUsage();
  while (spentMs(warmUp) < ROUND_MS / 2) work();
  const start = process.cpuUsage();
  let rounds = 0;
  for (; spentMs(start) < ROUND_MS; rounds++) work();
  return (rounds * 1000) / spentMs(start);
}

for (const [name, root] of Object.entries(documents)) {
  const bytes = encode(root);
  const tree = plain(root);
  const json = JSON.stringify(tree);
  const jsonBytes = Buffer.byteLength(json);
  const rows: [string, number, () => unknown][] = [
    ['encode', bytes.length, () => encode(root)],
    ['JSON.stringify', jsonBytes, () => Buffer.from(JSON.stringify(tree))],
    ['decode', bytes.length, () => decode(bytes)],
    ['JSON.parse', jsonBytes, () => JSON.parse(json)],
  ];
  console.log(`${name}: ${bytes.length} bytes, ${jsonBytes} as JSON`);
  for (const [what, size, work] of rows) {
    const rate = perSecond(work);
    console.log(
      `  ${what.padEnd(16)} ${((rate * size) / 1e6).toFixed(0).padStart(7)} MB/s ${rate.toFixed(0).padStart(8)} /s`,
    );
  }
}
