/** Messages for the benches, and a way to deliver many of them. */
import { SmtpClient } from '#test/support/smtp-client';

const sessions = 16;

/** About 2,000 bytes of text. */
const lines = Array.from(
  { length: 28 },
  (_, n) => `Line ${n} of a message of about two thousand bytes, with café and words.`,
);

/** A message with a body of about 2 KB: every second one also has its text as HTML, as most mail has. */
function messageOf(number: number, to: string): Buffer {
  const head = [
    'From: =?utf-8?q?J=C3=B6rg_Example?= <joerg@away.example>',
    `To: "Bench" <${to}>`,
    `Subject: Message number ${number}`,
    'Date: Sun, 22 Nov 2026 12:00:00 +0100',
    `Message-ID: <${number}.bench@away.example>`,
    'MIME-Version: 1.0',
  ];
  const text = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit', '', ...lines];
  if (number % 2 === 0) return Buffer.from([...head, ...text, ''].join('\r\n'));
  const html = ['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: 8bit', ''];
  const body = lines.map((line) => `<p>${line}</p>`);
  const parts = ['', '--b', ...text, '--b', ...html, '<html><body>', ...body, '</body></html>', '--b--', ''];
  return Buffer.from([...head, 'Content-Type: multipart/alternative; boundary=b', ...parts].join('\r\n'));
}

/** A paragraph as newsletters have them: in a table, with a style for each cell, a picture, a link and a tracking query. */
const paragraph = (n: number) =>
  `<table role="presentation" width="100%" cellpadding="0"><tr><td style="padding:0 24px;font-family:Arial,sans-serif;` +
  `font-size:14px;color:#3${n % 10}3333"><p style="margin:0">Offer ${n}: a sentence about café, words, and what they cost.</p>` +
  `<a href="https://shop.example/offers/${n}?utm_source=mail&amp;id=${n * 7919}" target="_blank"><img src="https://cdn.example` +
  `/pictures/${n}.jpg" width="560" alt="Offer ${n}" style="display:block"></a></td></tr></table>\r\n`;

/** A newsletter: 50 KB of HTML alone. */
export function newsletterOf(number: number, to: string): Buffer {
  const head = [
    'From: Offers <offers@away.example>',
    `To: "Bench" <${to}>`,
    `Subject: Newsletter number ${number}`,
    'Date: Sun, 22 Nov 2026 12:00:00 +0100',
    `Message-ID: <${number}.newsletter@away.example>`,
    'MIME-Version: 1.0',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    '<html><head><style>p{margin:0} a{color:#0066cc}</style></head><body>',
  ];
  let html = head.join('\r\n');
  for (let n = 0; html.length < 50_000; n++) html += paragraph(n + number);
  return Buffer.from(`${html}</body></html>\r\n`);
}

/** Delivers so many messages over SMTP. */
export async function deliver(
  smtp: string,
  to: string,
  count: number,
  message: (number: number, to: string) => Buffer = messageOf,
): Promise<void> {
  let next = 0;
  const session = async () => {
    const client = await SmtpClient.greeted(smtp);
    for (let number = next++; number < count; number = next++) await deliverOne(client, to, number, message);
    client.close();
  };
  await Promise.all(Array.from({ length: Math.min(sessions, count) }, session));
}

/** Delivers one message in an open session; resolves at its 250. */
export async function deliverOne(
  client: SmtpClient,
  to: string,
  number: number,
  message: (number: number, to: string) => Buffer = messageOf,
): Promise<void> {
  const reply = await client.mail('joerg@away.example', [to], message(number, to));
  if (reply.code !== 250) throw new Error(`a message was answered ${reply.line}`);
}
