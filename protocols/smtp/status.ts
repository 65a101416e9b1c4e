/** Where the library names what a reply is about. */
const statusByContext: Readonly<Record<string, string>> = {
  MAIL_FROM_OK: '2.1.0',
  RCPT_TO_OK: '2.1.5',
  TOO_MANY_RECIPIENTS: '4.5.3',
  MESSAGE_TOO_BIG: '5.3.4',
  SENDER_SYNTAX_ERROR: '5.1.7',
  MAILBOX_SYNTAX_ERROR: '5.1.3',
};

/** The status of the library's other replies. RFC 3463. */
const statusByCode: Readonly<Record<number, string>> = {
  235: '2.7.0',
  252: '2.1.5',
  421: '4.7.0',
  451: '4.3.0',
  500: '5.5.2',
  501: '5.5.4',
  502: '5.5.1',
  503: '5.5.1',
  504: '5.5.4',
  530: '5.7.0',
  552: '5.3.4',
  555: '5.5.4',
};

/** Replies of one code that mean different things. */
const statusByText: readonly (readonly [RegExp, string])[] = [
  [/^Timeout/, '4.4.2'],
  [/^Server shutting down/, '4.3.2'],
];

const hasStatus = /^[245]\.\d{1,3}\.\d{1,3} /;

/** The text of a reply with its status in front, once, and without what the library begins its refusals with. */
export function withStatus(code: number, data: string, context: string | false | undefined): string {
  const text = data.replace(/^Error: /, '');
  // RFC 2034 §4: none in the greeting, the replies to HELO and EHLO, and those that ask for more.
  if (hasStatus.test(text) || context === false || (code >= 300 && code < 400)) return text;
  return `${statusOf(code, text, context)} ${text}`;
}

function statusOf(code: number, text: string, context: string | undefined): string {
  const byText = code === 421 ? statusByText.find(([pattern]) => pattern.test(text))?.[1] : undefined;
  return byText ?? statusByContext[context ?? ''] ?? statusByCode[code] ?? `${Math.trunc(code / 100)}.0.0`;
}
