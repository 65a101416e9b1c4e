import type { Envelope } from '#domain/item';

/** Envelopes larger than this stand in the detail row, so that a list stays quick (storage design, section 4, `i`). */
const envelopeInItemBytes = 6 * 1024;

/** Whether an envelope is too long for the item's own row. */
export function isLongEnvelope(envelope: Envelope): boolean {
  return bytesOf(envelope) > envelopeInItemBytes;
}

/** About how many bytes an envelope takes. */
function bytesOf(e: Envelope): number {
  let bytes = 200 + e.subject.length * 2;
  for (const list of [e.from, e.replyTo, e.to, e.cc, e.bcc]) {
    for (const one of list) {
      bytes += one.name.length * 2 + one.address.length + 4;
    }
  }
  return e.references.reduce((sum, id) => sum + id.length, bytes);
}
