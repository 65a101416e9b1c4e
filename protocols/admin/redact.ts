import { modelOf } from './model.ts';
import type { AdminInput, Model } from './shape.ts';

const hidden = '***';
const maxTextChars = 256;
/** An input of an administrator's day is far shorter. */
const maxChars = 4_096;

/** An operation's checked input as JSON, without what is secret; long texts are cut, and what is long in all. */
export function redactedInput(target: string, input: AdminInput): string {
  const found = modelOf(target);
  const shown = found?.input === undefined ? {} : shownOf(found.model, found.input, input);
  const text = JSON.stringify(shown);
  return text.length > maxChars ? `${text.slice(0, maxChars)}...` : text;
}

function shownOf(model: Model, name: string, value: unknown): unknown {
  const shape = model.shapes[name];
  switch (shape?.type) {
    case 'structure':
      return Object.fromEntries(
        Object.entries(value as AdminInput).map(([member, given]) => [
          member,
          shownOf(model, shape.members[member]?.shape ?? '', given),
        ]),
      );
    case 'list':
      return (value as readonly unknown[]).map((one) => shownOf(model, shape.member.shape, one));
    case 'string': {
      const text = String(value);
      if (shape.sensitive) return hidden;
      return text.length > maxTextChars ? `${text.slice(0, maxTextChars)}...` : text;
    }
    default:
      return value;
  }
}
