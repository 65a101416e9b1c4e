const dotString = /^[^\s"(),:;<>@[\]\\.]+(?:\.[^\s"(),:;<>@[\]\\.]+)*$/;
const quotedString = /^"((?:[^"\\]|\\.)*)"$/;
/** With an underscore too: such hosts exist. */
const domain = /^(?:[^\s"(),:;<>@[\]\\.]+(?:\.[^\s"(),:;<>@[\]\\.]+)*|\[[^\s[\]\\]+\])$/;

/**
 * A mailbox of MAIL or RCPT in its plain form: a local part in quotes that needs none loses them (RFC 5321 §4.1.2, as both
 * mean the same). Undefined if quotes or domain are none; local parts with dots in wrong places exist and pass.
 */
export function plainMailbox(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  const localPart = address.slice(0, at);
  if (!domain.test(address.slice(at + 1))) return undefined;
  if (!/["\\]/.test(localPart)) return address;
  const quoted = quotedString.exec(localPart)?.[1];
  if (quoted === undefined) return undefined;
  const plain = quoted.replace(/\\(.)/g, '$1');
  return dotString.test(plain) ? plain + address.slice(at) : address;
}
