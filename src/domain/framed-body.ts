import type { NewBody } from './item.ts';

/** A raw message as rows name it. */
interface RawMessage {
  readonly body: NewBody;
  readonly size: number;
}

/** What of a message is left out at its beginning, and what is put around the rest. */
interface Frame {
  readonly skip: number;
  readonly before: Uint8Array;
  readonly after?: Uint8Array | undefined;
}

const nothing = new Uint8Array(0);

/** A message made of another one; a large body is shared, not copied. */
export function framedBody({ body, size }: RawMessage, { skip, before, after = nothing }: Frame): RawMessage {
  const framedSize = before.length + size - skip + after.length;
  if (body.kind === 'inline') {
    const raw = Buffer.concat([before, body.raw.subarray(skip), after]);
    return { body: { kind: 'inline', raw }, size: framedSize };
  }
  const own = body.before ?? nothing;
  return {
    body: {
      kind: 'blob',
      id: body.id,
      before: Buffer.concat([before, own.subarray(skip)]),
      after: Buffer.concat([body.after ?? nothing, after]),
      from: (body.from ?? 0) + Math.max(0, skip - own.length),
    },
    size: framedSize,
  };
}
