import { expect, test } from 'vitest';
import { blockedExtensions } from '#config/blocked-extensions';
import { MessageIndexer } from '#mime/index-message';
import { gnuTar, gzip, paxTar, tar, tnef, zip } from '#test/support/archives';
import { AttachmentPolicy } from './attachment-policy.ts';

const policy = new AttachmentPolicy({ blockedExtensions, inspectArchives: true });

/** Why a message is refused; undefined when it is not. */
async function refusal(raw: Buffer | string, by = policy): Promise<string | undefined> {
  const bytes = Buffer.from(raw);
  const indexer = new MessageIndexer();
  indexer.write(bytes);
  const index = indexer.end(0);
  try {
    by.checkNames(index);
    await by.checkContents(index, async function* (start, end) {
      for (let at = start; at < end; at += 8_000) yield bytes.subarray(at, Math.min(end, at + 8_000));
    });
    return undefined;
  } catch (error) {
    expect(error).toMatchObject({ code: 'message/blocked-attachment' });
    return error instanceof Error ? error.message : String(error);
  }
}

/** A message with a text and a part of these header fields. */
function message(fields: string, body: Uint8Array | string = 'MZ'): Buffer {
  const head = 'Subject: Files\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHi\r\n--b\r\n';
  return Buffer.concat([
    Buffer.from(`${head}${fields}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from('\r\n--b--\r\n'),
  ]);
}

/** A message with a file. */
function attached(name: string, content: Uint8Array, type = 'application/octet-stream'): Buffer {
  const fields = `Content-Type: ${type}\r\nContent-Disposition: attachment; filename="${name}"\r\nContent-Transfer-Encoding: base64`;
  return message(fields, lines(Buffer.from(content).toString('base64')));
}

const lines = (text: string) => text.replace(/.{76}/g, '$&\r\n');
const b64 = (text: string, charset: BufferEncoding = 'utf8') => Buffer.from(text, charset).toString('base64');
const percent = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join('');
const disposition = (rest: string) => message(`Content-Disposition: attachment; ${rest}`);

/** A message whose header has these fields, with a part behind the delimiter `--b`. */
function multipart(fields: string, ending: string, front = '', encode = (body: string) => body): Buffer {
  const part = `Content-Disposition: attachment; filename=x${ending}\r\n\r\nMZ\r\n`;
  return Buffer.from(`Subject: a\r\n${fields}\r\n\r\n${encode(`${front}--b\r\n${part}--b--\r\n`)}`);
}

/** X.690 §8.1: a value with its tag and length. */
function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(content);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(value.length);
  return Buffer.concat([Buffer.of(tag, 0x84), size, value]);
}

/** A message in signed content (RFC 5652 §5.1), as one string or in pieces of so many bytes. */
function signedBytes(inner: Buffer, pieceBytes?: number): Buffer {
  const data = Buffer.from('06092a864886f70d010701', 'hex');
  const pieces = Array.from({ length: Math.ceil(inner.length / (pieceBytes ?? inner.length)) }, (_, n) =>
    der(0x04, inner.subarray(n * (pieceBytes ?? 0), (n + 1) * (pieceBytes ?? inner.length))),
  );
  const end = Buffer.of(0, 0);
  const octets = pieceBytes ? Buffer.concat([Buffer.of(0x24, 0x80), ...pieces, end]) : Buffer.concat(pieces);
  const content = Buffer.concat([Buffer.of(0x30, 0x80), data, Buffer.of(0xa0, 0x80), octets, end, end]);
  const all = der(0x30, der(0x02, Buffer.of(1)), der(0x31), content, der(0x31));
  return Buffer.concat([
    Buffer.of(0x30, 0x80),
    Buffer.from('06092a864886f70d010702', 'hex'),
    der(0xa0, all),
    end,
  ]);
}

function signed(inner: Buffer, pieceBytes?: number): Buffer {
  return attached(
    'smime.p7m',
    signedBytes(inner, pieceBytes),
    'application/pkcs7-mime; smime-type=signed-data',
  );
}

/** Every place where a name can stand, with the name `x<ending>` in it. */
const places: Readonly<Record<string, (ending: string) => Buffer>> = {
  'Content-Disposition filename': (e) => disposition(`filename="x${e}"`),
  'a filename without quotes': (e) => disposition(`filename=x${e}`),
  'a filename in single quotes': (e) => disposition(`filename='x${e}'`),
  'a filename that is not closed': (e) => disposition(`filename="x${e}`),
  'Content-Type name': (e) => message(`Content-Type: application/octet-stream; name="x${e}"`),
  'Content-Type name of an image shown inline': (e) =>
    message(`Content-Type: image/png; name="x${e}"\r\nContent-ID: <a>\r\nContent-Disposition: inline`),
  'Content-Type name beside a harmless filename': (e) =>
    message(`Content-Type: text/plain; name="x${e}"\r\nContent-Disposition: attachment; filename="x.txt"`),
  'a filename beside a harmless name': (e) =>
    message(`Content-Type: text/plain; name="x.txt"\r\nContent-Disposition: attachment; filename="x${e}"`),
  'Content-Type name without a semicolon': (e) =>
    message(`Content-Type: application/octet-stream name="x${e}"`),
  'a text that is the body': (e) => Buffer.from(`Content-Type: text/plain; name="x${e}"\r\n\r\nHi\r\n`),
  'the only part': (e) => Buffer.from(`Content-Disposition: attachment; filename=x${e}\r\n\r\nMZ\r\n`),
  'a second filename': (e) => disposition(`filename="x.txt"; filename="x${e}"`),
  'a second Content-Disposition': (e) =>
    message(
      `Content-Disposition: attachment; filename=x.txt\r\nContent-Disposition: attachment; filename=x${e}`,
    ),
  'a second Content-Type': (e) => message(`Content-Type: text/plain\r\nContent-Type: text/plain; name=x${e}`),
  'a filename after 200 parameters': (e) => disposition(`${'a=b; '.repeat(200)}filename=x${e}`),
  'a folded filename': (e) => disposition(`\r\n filename="x${e}"`),
  'RFC 2231': (e) => disposition(`filename*=utf-8''${percent(`x${e}`)}`),
  'RFC 2231 with a language': (e) => disposition(`filename*=iso-8859-1'en'x${e}`),
  'RFC 2231 in UTF-16': (e) =>
    disposition(
      `filename*=utf-16le''${[...Buffer.from(`x${e}`, 'utf16le')].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('')}`,
    ),
  'RFC 2231 continuations': (e) => disposition(`filename*0="x${e.slice(0, 2)}"; filename*1="${e.slice(2)}"`),
  'RFC 2231 continuations out of order': (e) =>
    disposition(`filename*1*=${percent(e.slice(2))}; filename*0*=utf-8''x${e.slice(0, 2)}`),
  'RFC 2231 continuations with a gap': (e) => disposition(`filename*0="x${e}"; filename*2=".txt"`),
  'RFC 2231 beside a harmless filename': (e) => disposition(`filename="x.txt"; filename*=utf-8''x${e}`),
  'a filename beside a harmless RFC 2231': (e) => disposition(`filename="x${e}"; filename*=utf-8''x.txt`),
  'name of RFC 2231': (e) => message(`Content-Type: text/plain; name*=utf-8''x${e}`),
  'an encoded word': (e) => disposition(`filename="=?utf-8?B?${b64(`x${e}`)}?="`),
  'an encoded word of quoted-printable': (e) => disposition(`filename="=?utf-8?Q?x=2E${e.slice(1)}?="`),
  'two encoded words': (e) =>
    disposition(`filename="=?utf-8?B?${b64('x.')}?= =?utf-8?B?${b64(e.slice(1))}?="`),
  'an encoded word without quotes': (e) => disposition(`filename==?utf-8?B?${b64(`x${e}`)}?=`),
  'percent escapes': (e) => disposition(`filename="x%2E${e.slice(1)}"`),
  'raw UTF-8': (e) => disposition(`filename="привет${e}"`),
  'a uuencoded file in a text': (e) =>
    Buffer.from(`Subject: a\r\n\r\nHi\r\nbegin 644 x${e}\r\n${uuLine}\r\nend\r\n`),
  'a uuencoded file in a quoted-printable part': (e) =>
    message(
      'Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable',
      `begin 644 x${e}\r\n${uuLine}\r\nend\r\n`,
    ),
  'a part behind a boundary that is not the one told': (e) =>
    Buffer.from(
      `Content-Type: multipart/mixed; boundary=a\r\n\r\n--b\r\nContent-Disposition: attachment;\r\n filename=x${e}\r\n\r\nMZ\r\n--b--\r\n`,
    ),
  'a part with 5,000 fields': (e) =>
    message(`${'X: y\r\n'.repeat(5_000)}Content-Disposition: attachment; filename=x${e}`),
  'a filename with a backslash in it': (e) => disposition(`filename="x.${e.slice(1, 2)}\\${e.slice(2)}"`),
  'a filename folded in the middle': (e) => disposition(`filename="x.\r\n\t${e.slice(1)}"`),
  'a filename without quotes, and more behind': (e) => disposition(`filename=x${e} copy.txt`),
  'RFC 2231, and more behind': (e) => disposition(`filename*=utf-8''x${e} copy.txt`),
  'a comment in a filename': (e) => disposition(`filename=x.${e.slice(1, 2)}(c)${e.slice(2)}`),
  'an encoded word that is not closed': (e) => disposition(`filename="=?utf-8?B?${b64(`x${e}`)}"`),
  'an encoded word with a question mark in it': (e) => disposition(`filename="=?utf-8?Q?a?${e}?="`),
  'an encoded word without a charset': (e) => disposition(`filename="=??Q?x=2E${e.slice(1)}?="`),
  'a slash behind': (e) => disposition(`filename="x${e}/"`),
  'a field with a tab before its colon': (e) =>
    message(`Content-Type: text/plain\r\nContent-Disposition\t: attachment; filename=x${e}`),
  'a description, where there is no name': (e) =>
    message(`Content-Type: application/octet-stream\r\nContent-Description: x${e}`),
  'behind the second of two Content-Types': (e) =>
    multipart('Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=b', e),
  'behind the second of two boundaries': (e) =>
    multipart('Content-Type: multipart/mixed; boundary=a; boundary=b', e, '--a\r\n\r\n'),
  'behind a boundary beside one of RFC 2231': (e) =>
    multipart('Content-Type: multipart/mixed; boundary=b; boundary*0=a', e, '--a\r\n\r\n'),
  'behind a boundary with a backslash': (e) =>
    multipart('Content-Type: multipart/mixed; boundary="\\b"', e, '--\\b\r\n\r\n'),
  'behind a comment in front of the type': (e) =>
    multipart('Content-Type: (c) multipart/mixed; boundary=b', e),
  'behind a type without a semicolon': (e) => multipart('Content-Type: multipart/mixed boundary=b', e),
  'behind a type with blanks': (e) => multipart('Content-Type: multipart / mixed; boundary=b', e),
  'behind the end of the parts': (e) =>
    multipart('Content-Type: multipart/mixed; boundary=b', e, '--b\r\n\r\nHi\r\n--b--\r\n'),
  'behind a delimiter and 5,000 fields': (e) =>
    Buffer.from(
      `Subject: a\r\n\r\n--b\r\n${'X: y\r\n'.repeat(5_000)}Content-Disposition: attachment; filename=x${e}\r\n\r\nMZ\r\n`,
    ),
  'in parts that are encoded': (e) =>
    multipart(
      'Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64',
      e,
      '',
      (body) => lines(b64(body)),
    ),
  'in a part of a message': (e) =>
    message(
      'Content-Type: message/partial; id=a; number=1; total=2',
      `Content-Disposition: x; filename=x${e}\r\n\r\nMZ`,
    ),
  'in a body that is elsewhere': (e) =>
    message(
      'Content-Type: message/external-body; access-type=URL',
      `Content-Type: a/b; name=x${e}\r\n\r\nMZ`,
    ),
  'in a message that is signed around': (e) => signed(disposition(`filename=x${e}`)),
  'in a message that is signed around, in pieces': (e) => signed(disposition(`filename=x${e}`), 7),
  'a zip file in a message that is signed around': (e) => signed(attached('a.zip', zip({ name: `x${e}` }))),
  'a zip file behind something else, by its second name': (e) =>
    message(
      'Content-Type: application/zip; name=a.zip\r\nContent-Disposition: attachment; filename=a.txt\r\nContent-Transfer-Encoding: base64',
      lines(Buffer.concat([Buffer.alloc(100), zip({ name: `x${e}` })]).toString('base64')),
    ),
  'a zip file whose encoding has a comment': (e) =>
    message(
      'Content-Disposition: attachment; filename=a.zip\r\nContent-Transfer-Encoding: (c) base64',
      lines(zip({ name: `x${e}` }).toString('base64')),
    ),
  'a message in a zip, behind a boundary that is not the one told': (e) =>
    attached('a.zip', zip({ name: 'a.eml', content: multipart('Content-Type: text/plain', e) })),
  'upper case': (e) => disposition(`filename="X${e.toUpperCase()}"`),
  'a trailing dot': (e) => disposition(`filename="x${e}."`),
  'trailing blanks': (e) => disposition(`filename="x${e}  \t"`),
  'trailing dots and blanks': (e) => disposition(`filename="x${e} . . "`),
  'a trailing no-break space': (e) => disposition(`filename="x${e}\u00a0"`),
  'a double ending': (e) => disposition(`filename="invoice.pdf${e}"`),
  'a double ending with blanks between': (e) => disposition(`filename="invoice.pdf${' '.repeat(80)}${e}"`),
  'nothing but the ending': (e) => disposition(`filename="${e}"`),
  'a path': (e) => disposition(`filename="..\\\\..\\\\x${e}"`),
  'a stream name of NTFS': (e) => disposition(`filename="x${e}::$DATA"`),
  'a NUL behind': (e) => disposition(`filename*=utf-8''x${e}%00.txt`),
  'a one dot leader': (e) => disposition(`filename="x\u2024${e.slice(1)}"`),
  'a small full stop': (e) => disposition(`filename="x\ufe52${e.slice(1)}"`),
  'a full-width full stop': (e) => disposition(`filename="x\uff0e${e.slice(1)}"`),
  'an ideographic full stop': (e) => disposition(`filename="x\u3002${e.slice(1)}"`),
  'a half-width ideographic full stop': (e) => disposition(`filename="x\uff61${e.slice(1)}"`),
  'full-width letters': (e) =>
    disposition(
      `filename="x.${[...e.slice(1)].map((c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)).join('')}"`,
    ),
  'mathematical letters': (e) =>
    disposition(
      `filename="x.${e.slice(1).replace(/[a-z]/g, (c) => String.fromCodePoint(0x1d41a + c.charCodeAt(0) - 0x61))}"`,
    ),
  'a zero width space': (e) => disposition(`filename="x.\u200b${e.slice(1)}\u200d"`),
  'a soft hyphen': (e) => disposition(`filename="x.${e.slice(1, 2)}\u00ad${e.slice(2)}"`),
  'a right-to-left override': (e) => disposition(`filename="x\u202etxt${e}\u202c"`),
  'bidi isolates': (e) => disposition(`filename="x.\u2066${e.slice(1)}\u2069"`),
  'a message inside': (e) => message('Content-Type: message/rfc822', disposition(`filename=x${e}`)),
  'a message in a message inside': (e) =>
    message(
      'Content-Type: message/rfc822',
      message('Content-Type: message/rfc822', disposition(`filename=x${e}`)),
    ),
  'a message inside that is encoded': (e) =>
    attached('mail', disposition(`filename=x${e}`), 'message/rfc822'),
  'a file that is a message': (e) => attached('mail.eml', disposition(`filename=x${e}`)),
  'TNEF, by title': (e) => attached('winmail.dat', tnef({ title: `x${e}` }), 'application/ms-tnef'),
  'TNEF, by long name': (e) => attached('winmail.dat', tnef({ title: 'X~1.TXT', longName: `x${e}` })),
  'TNEF, second attachment': (e) =>
    attached('winmail.dat', tnef({ title: 'a.txt', content: Buffer.from('a') }, { longName: `x${e}` })),
  'TNEF, in a message in it': (e) =>
    attached('winmail.dat', tnef({ title: 'a', message: tnef({ longName: `x${e}` }) })),
  'a zip file in TNEF': (e) =>
    attached('winmail.dat', tnef({ title: 'a.zip', content: zip({ name: `x${e}` }) })),
  'a zip file': (e) => attached('a.zip', zip({ name: 'readme.txt' }, { name: `folder/x${e}` })),
  'a zip file of another name': (e) => attached('a.dat', zip({ name: `x${e}` })),
  'a zip file without a name': (e) =>
    message(
      'Content-Type: application/zip\r\nContent-Transfer-Encoding: base64',
      b64(zip({ name: `x${e}` }).toString('latin1'), 'latin1'),
    ),
  'a zip file that is stored': (e) => attached('a.zip', zip({ name: `x${e}`, method: 0 })),
  'an encrypted zip file': (e) => attached('a.zip', zip({ name: `x${e}`, flags: 1 })),
  'a zip file with an UTF-8 name': (e) => attached('a.zip', zip({ name: `привет${e}`, flags: 0x800 })),
  'a zip file with a CP437 name': (e) => attached('a.zip', zip({ name: Buffer.from(`\x81${e}`, 'latin1') })),
  'a zip file with a Unicode path': (e) => {
    const path = Buffer.from(`\x01\0\0\0\0x${e}`, 'latin1');
    return attached(
      'a.zip',
      zip({ name: 'x.txt', extra: Buffer.concat([Buffer.from([0x75, 0x70, path.length, 0]), path]) }),
    );
  },
  'a zip file whose central directory lies': (e) =>
    attached('a.zip', zip({ name: `x${e}`, centralName: 'x.txt' })),
  'a zip file whose local header lies': (e) => attached('a.zip', zip({ name: `x${e}`, localName: 'x.txt' })),
  'a zip file behind something else': (e) =>
    attached('a.zip', Buffer.concat([Buffer.from('MZ'.repeat(5_000)), zip({ name: `x${e}` })])),
  'a zip file that is cut short': (e) =>
    attached('a.zip', zip({ name: `x${e}`, content: 'x'.repeat(500), method: 0 }).subarray(0, 400)),
  'a zip in a zip': (e) => attached('a.zip', zip({ name: 'b.zip', content: zip({ name: `x${e}` }) })),
  'a zip stored in a zip': (e) =>
    attached('a.zip', zip({ name: 'b.zip', method: 0, content: zip({ name: `x${e}` }) })),
  'a zip in a zip in a zip': (e) =>
    attached(
      'a.zip',
      zip({ name: 'b.zip', content: zip({ name: 'c.zip', content: zip({ name: `x${e}` }) }) }),
    ),
  'a member behind a zip in a zip': (e) =>
    attached(
      'a.zip',
      zip({ name: 'b.zip', content: zip({ name: 'a' }) }, { name: 'c.zip', content: zip({ name: `x${e}` }) }),
    ),
  'a tar.gz stored in a zip': (e) =>
    attached(
      'a.zip',
      zip({ name: 'b.tgz', method: 0, content: gzip(tar({ name: `x${e}` })) }, { name: 'c' }),
    ),
  'a tar.gz whose size is told wrong in a zip': (e) =>
    attached('a.zip', zip({ name: 'b.tgz', content: gzip(tar({ name: `x${e}` })), localBytes: 0, flags: 8 })),
  'a message in a zip': (e) =>
    attached('a.zip', zip({ name: 'mail.eml', content: disposition(`filename=x${e}`) })),
  'gzip, by its name': (e) => attached(`x${e}.gz`, gzip('MZ')),
  'gzip, by the name in it': (e) => attached('a.gz', gzip('MZ', `x${e}`)),
  tar: (e) =>
    attached(
      'a.tar',
      tar({ name: 'a.txt', content: 'a'.repeat(600) }, { name: `folder/x${e}`, content: 'MZ' }),
    ),
  'tar of another name': (e) => attached('a.dat', tar({ name: `x${e}` })),
  'tar with a prefix': (e) => attached('a.tar', tar({ name: `x${e}`, prefix: 'long/folder' })),
  pax: (e) => attached('a.tar', paxTar(`x${e}`)),
  'GNU long name': (e) => attached('a.tar', gnuTar(`x${e}`)),
  'tar behind its end': (e) => attached('a.tar', Buffer.concat([tar({ name: 'a' }), tar({ name: `x${e}` })])),
  'tar.gz': (e) => attached('a.tar.gz', gzip(tar({ name: `x${e}` }))),
  'tgz in a zip in a zip': (e) =>
    attached(
      'a.zip',
      zip({ name: 'b.zip', content: zip({ name: 'c.tgz', content: gzip(tar({ name: `x${e}` })) }) }),
    ),
  'a zip in a tar': (e) =>
    attached('a.tar', tar({ name: 'a', content: 'a' }, { name: 'b.zip', content: zip({ name: `x${e}` }) })),
};

test.each(Object.entries(places))('all 90 endings are found in %s', async (_place, messageWith) => {
  expect(blockedExtensions).toHaveLength(90);
  const missed: string[] = [];
  for (const extension of blockedExtensions) {
    const why = await refusal(messageWith(extension));
    if (!why?.includes('is of a kind that is not accepted')) missed.push(`${extension}: ${why}`);
  }
  expect(missed).toEqual([]);
  expect(await refusal(messageWith('.txt'))).toBeUndefined();
});

const uuLine = '#86)C';

test.each<[string, Buffer | string]>([
  ['a text that begins', 'Subject: a\r\n\r\nbegin 644 x.exe\r\nis how uuencoded files began\r\n'],
  ['an uuencoded text', `Subject: a\r\n\r\nbegin 644 x.txt\r\n${uuLine}\r\nend\r\n`],
  [
    'a text that speaks of fields',
    'Subject: a\r\n\r\nThe header was:\r\nContent-Disposition: attachment; filename=x.exe\r\n-- \r\nMe\r\n',
  ],
  ['a description of more than a word', message('Content-Type: a/b\r\nContent-Description: see example.com')],
  [
    'a description beside a name',
    message('Content-Type: a/b; name=a.txt\r\nContent-Description: example.com'),
  ],
  [
    'a message that is signed around',
    signed(attached('a.zip', zip({ name: 'b.zip', content: zip({ name: 'a' }) }))),
  ],
  ['a multipart without parts', 'Content-Type: multipart/mixed; boundary=b\r\n\r\nHi\r\n'],
  ['no attachment', 'Subject: Run x.exe\r\n\r\nSee http://example.com/x.exe\r\n'],
  ['nothing', ''],
  ['an ending in the middle', disposition('filename="a.exe.txt"')],
  ['an ending without its dot', disposition('filename="exe"')],
  ['an ending that only begins like one', disposition('filename="a.exercise"')],
  ['an address for a subject', message('Content-Type: message/rfc822', 'Subject: example.com\r\n\r\nHi\r\n')],
  [
    'a Content-ID and a Content-Location',
    message('Content-Type: image/png\r\nContent-ID: <a@b.com>\r\nContent-Location: http://b.com'),
  ],
  ['many words', disposition('filename="Minutes of 1.2.2026 (final) – Ä, ö.docx"')],
  ['Japanese', disposition("filename*=utf-8''%E8%AD%B0%E4%BA%8B%E9%8C%B2%E3%80%82.pdf")],
  [
    'a document, which is a zip file',
    attached(
      'a.docx',
      zip({ name: '[Content_Types].xml' }, { name: 'word/document.xml' }, { name: 'word/media/image1.png' }),
    ),
  ],
  [
    'a zip file with a folder called as a domain',
    attached('a.zip', zip({ name: 'example.com/' }, { name: 'example.com/index.html' })),
  ],
  [
    'an encrypted zip file',
    attached('a.zip', zip({ name: 'a.txt', flags: 1, content: Buffer.from('0123456789abcdef') })),
  ],
  ['an empty zip file', attached('a.zip', zip())],
  ['a zip file that is none', attached('a.zip', Buffer.from('This is no zip file, whatever it says. PK'))],
  ['a tar.gz', attached('a.tar.gz', gzip(tar({ name: 'a', content: 'a' }, { name: 'dir/', type: '5' })))],
  ['a packed text', attached('a.csv.gz', gzip('a,b\r\n'.repeat(1_000)))],
  [
    'a winmail.dat',
    attached(
      'winmail.dat',
      tnef({ title: 'a.docx', longName: 'a long name.docx', content: zip({ name: 'a.xml' }) }),
    ),
  ],
  [
    'archives three deep',
    attached(
      'a.zip',
      zip({ name: 'b.zip', content: zip({ name: 'c.tar.gz', content: gzip(tar({ name: 'a' })) }) }),
    ),
  ],
])('%s passes', async (_what, raw) => {
  expect(await refusal(raw)).toBeUndefined();
});

test('what is broken passes: it is a file like any other', async () => {
  const whole = [
    ['a.zip', zip({ name: 'b.zip', content: zip({ name: 'a' }) })],
    ['a.tgz', gzip(tar({ name: 'a', content: 'a'.repeat(600) }))],
    ['winmail.dat', tnef({ title: 'a', content: zip({ name: 'a' }) })],
    ['smime.p7m', signedBytes(disposition('filename=a.txt'), 7)],
  ] as const;
  for (const [name, content] of whole) {
    for (let length = 0; length < content.length; length += 7)
      expect(await refusal(attached(name, content.subarray(0, length)))).toBeUndefined();
  }
});

test('the refusal names the file and the archives around it, in words that fit a reply', async () => {
  const inner = zip({ name: 'folder/run\u202e.exe' });
  const raw = attached('all.zip', zip({ name: 'mails.zip', content: inner }));
  expect(await refusal(raw)).toBe(
    'The attachment "folder/run.exe" in "mails.zip" in "all.zip" is of a kind that is not accepted.',
  );
  const long = await refusal(disposition(`filename="${'long '.repeat(60)}.exe"`));
  expect(long).toMatch(/^The attachment "long .{60,80}\.exe" is of a kind/);
});

test('an archive that is nested deeper than three is refused', async () => {
  let content = zip({ name: 'a.txt' });
  for (const name of ['c.zip', 'b.zip', 'a.zip']) content = zip({ name, content });
  expect(await refusal(attached('deep.zip', content))).toMatch(/nested too deep/);
});

test('what cannot be looked through is refused: too many parts, parts too deep, too many names', async () => {
  const many = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nHi\r\n'.repeat(1_100)}--b--\r\n`;
  expect(await refusal(many)).toMatch(/more parts or names/);
  let deep = Buffer.from('Subject: a\r\n\r\nHi\r\n');
  for (let i = 0; i < 60; i++)
    deep = Buffer.concat([Buffer.from('Content-Type: message/rfc822\r\n\r\n'), deep]);
  expect(await refusal(deep)).toMatch(/more parts or names/);
  const names = Array.from({ length: 150 }, (_, n) => `filename=a.x${n}`).join('; ');
  expect(await refusal(disposition(`${names}; filename=a.exe`))).toMatch(/more parts or names/);
});

test('more of names than is read of one message is refused, wherever they stand', async () => {
  const words = '=?utf-8?b?YQ==?= '.repeat(10_000);
  const part = `\r\n--b\r\nContent-Disposition: attachment; filename="${words}.txt"\r\n\r\nHi`;
  const mixed = 'Content-Type: multipart/mixed; boundary=b\r\n';
  expect(await refusal(`${mixed}${part.repeat(3)}\r\n--b--\r\n`)).toBeUndefined();
  expect(await refusal(`${mixed}${part.repeat(4)}\r\n--b--\r\n`)).toMatch(/more parts or names/);
  const text = 'Content-Type: text/plain\r\n\r\nHi\r\n';
  expect(await refusal(`${text}${part.replace(words, 'a').repeat(100)}\r\n`)).toBeUndefined();
  expect(await refusal(`${text}${part.repeat(4)}\r\n`)).toMatch(/more parts or names/);
});

test('a part with two different transfer encodings is refused: readers do not agree on its content', async () => {
  const twice = 'Content-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64';
  expect(await refusal(message(`Content-Disposition: attachment; filename=a.zip\r\n${twice}`))).toMatch(
    /checked/,
  );
  expect(await refusal(message(`${twice.replace('base64', '8bit')}`))).toBeUndefined();
});

test('headers of a zip file that lie in each other, and a gzip file of thousands, end the search', async () => {
  const header = Buffer.alloc(46);
  header.write('PK\x01\x02', 'latin1');
  header.fill(0xff, 28, 32);
  const overlapping = Buffer.concat([zip({ name: 'a' }), ...Array<Buffer>(20_000).fill(header)]);
  expect(await refusal(attached('a.zip', overlapping))).toMatch(/unpacks to too much/);
  const many = Buffer.concat(Array<Buffer>(3_000).fill(gzip('a')));
  expect(await refusal(attached('a.gz', many))).toMatch(/unpacks to too much/);
});

test('a header that is longer than what is read of one is refused', async () => {
  const fields = `X: ${'y'.repeat(300_000)}\r\nContent-Disposition: attachment; filename=a.exe`;
  expect(await refusal(message(fields))).toMatch(/more parts or names/);
});

test.each(['.', ' ', ':', 'a.', '%41', '\u2024', '=?utf-8?q?', '"', ';filename=', '*0='])(
  'a name made of "%s" is judged in no time',
  async (piece) => {
    const repeated = (bytes: number) => `${piece.repeat(bytes / Buffer.byteLength(piece))}x`;
    expect(await refusal(disposition(`filename="${repeated(200_000)}"`))).toBeUndefined();
    expect(await refusal(attached('a.zip', zip({ name: repeated(60_000) })))).toBeUndefined();
    expect(await refusal(attached('a.gz', gzip('a', repeated(60_000))))).toBeUndefined();
  },
);

test('the settings decide: other endings, none, and archives left alone', async () => {
  const other = new AttachmentPolicy({ blockedExtensions: ['.PDF'], inspectArchives: false });
  expect(await refusal(disposition('filename=a.pdf'), other)).toMatch(/"a\.pdf"/);
  expect(await refusal(disposition('filename=a.exe'), other)).toBeUndefined();
  expect(await refusal(attached('a.zip', zip({ name: 'a.pdf' })), other)).toBeUndefined();
  const none = new AttachmentPolicy({ blockedExtensions: [], inspectArchives: true });
  expect(await refusal(attached('a.zip', zip({ name: 'a.exe' })), none)).toBeUndefined();
});
