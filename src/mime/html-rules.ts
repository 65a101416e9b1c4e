import type { IOptions, Transformer } from 'sanitize-html';
import { cleanCss } from './clean-css.ts';

/** Elements that a mail is made of; of others the content stays. */
export const allowedTags: ReadonlySet<string> = new Set(
  (
    'html head body meta a abbr acronym address area article aside b bdi bdo big blockquote br caption center cite ' +
    'code col colgroup dd del details dfn dir div dl dt em fieldset figcaption figure font footer h1 h2 h3 h4 h5 h6 ' +
    'header hgroup hr i img ins kbd label legend li main map mark menu nav ol p picture pre q rp rt ruby s samp section ' +
    'small source span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr'
  ).split(' '),
);

/** Elements that go with all that is in them. */
export const textlessTags: ReadonlySet<string> = new Set(
  (
    'script style title textarea option select noscript noembed noframes template iframe frameset object applet audio ' +
    'video canvas svg math xml xmp'
  ).split(' '),
);

/** Elements inside of each other at the most; of deeper ones the text stays. Browsers stop at 512. */
export const maxDepth = 500;

/** The attributes that are kept, on whatever element. */
export const allowedAttributes: ReadonlySet<string> = new Set(
  (
    'style class id name title alt dir lang align valign width height bgcolor background border bordercolor cellpadding ' +
    'cellspacing colspan rowspan nowrap frame rules summary scope headers abbr axis span char charoff href src srcset sizes ' +
    'media type charset http-equiv content color face size hspace vspace clear noshade start value reversed compact cite ' +
    'datetime coords shape usemap ismap target rel rev open role text link vlink alink leftmargin topmargin rightmargin ' +
    'bottommargin marginwidth marginheight aria-hidden aria-label aria-labelledby aria-describedby'
  ).split(' '),
);

/** Those of them that hold a URL. */
export const urlAttributes: ReadonlySet<string> = new Set(['href', 'src', 'cite', 'background', 'usemap']);

/** Where a link may lead, and from where a picture may come. */
const linkSchemes = 'http https ftp mailto tel sms cid mid webcal geo xmpp sip sips'.split(' ');
const pictureSchemes = ['http', 'https', 'cid', 'data'];
/** A picture that comes along in a URL. */
export const picture =
  /^\s*data:image\/(?:png|jpe?g|pjpeg|gif|webp|bmp|x-icon|vnd\.microsoft\.icon|avif|heic)\s*[;,]/i;
/** Elements whose URLs are those of pictures. */
export const withPictures: ReadonlySet<string> = new Set(
  'img source body table thead tbody tfoot tr td th'.split(' '),
);

/** URL standard, basic URL parser: blanks and controls before and in a scheme do not count. */
function isData(url: string): boolean {
  return (
    /^[^:]{0,20000}:/
      .exec(url)?.[0]
      .replace(/[^a-z:]/gi, '')
      .toLowerCase() === 'data:'
  );
}

/** What a mail says of itself as a whole and a phone lays it out by. */
const metaNames: ReadonlySet<string> = new Set([
  'viewport',
  'color-scheme',
  'supported-color-schemes',
  'format-detection',
  'x-apple-disable-message-reformatting',
]);

const cleanElement: Transformer = (tagName, attribs) => {
  if (tagName === 'meta') return cleanMeta(attribs);
  const { style } = attribs;
  if (style !== undefined) attribs['style'] = cleanCss(style);
  for (const name of ['src', 'background'] as const) {
    const value = attribs[name];
    if (value !== undefined && isData(value) && !picture.test(value)) delete attribs[name];
  }
  const { srcset } = attribs;
  if (srcset !== undefined && !isSrcset(srcset)) delete attribs['srcset'];
  return { tagName, attribs };
};

/** HTML standard, srcset attributes: URLs, each with a width or a density; none of them is data. */
function isSrcset(value: string): boolean {
  if (/data\s*:/i.test(value)) return false;
  const candidates = value.replace(/([ \t\n\r\f]\d[\d.]{0,7}[wx]),/g, '$1, ').split(/,[ \t\n\r\f]/);
  return candidates.every((candidate) =>
    /^[ \t\n\r\f]*(?:[^ \t\n\r\f,][^ \t\n\r\f]*(?:[ \t\n\r\f]+(?:[1-9]\d{0,5}w|\d{1,3}(?:\.\d{1,3})?x))?[ \t\n\r\f]*)?$/.test(
      candidate,
    ),
  );
}

/** A string that leaves the server is UTF-8, and the document says nothing else. */
function cleanMeta(attribs: Readonly<Record<string, string>>): ReturnType<Transformer> {
  const { charset, name, content = '' } = attribs;
  if (charset !== undefined) return { tagName: 'meta', attribs: { charset: 'utf-8' } };
  if (attribs['http-equiv']?.trim().toLowerCase() === 'content-type') {
    return {
      tagName: 'meta',
      attribs: { 'http-equiv': 'Content-Type', content: 'text/html; charset=utf-8' },
    };
  }
  const isKnown = name !== undefined && metaNames.has(name.trim().toLowerCase());
  return isKnown && attribs['http-equiv'] === undefined
    ? { tagName: 'meta', attribs: { name, content } }
    : { tagName: 'meta', attribs: {} };
}

/** What of HTML is kept, for sanitize-html. */
export const htmlRules: IOptions = {
  allowedTags: [...allowedTags],
  nonTextTags: [...textlessTags],
  allowedAttributes: { '*': [...allowedAttributes] },
  allowedSchemes: linkSchemes,
  allowedSchemesByTag: Object.fromEntries([...withPictures].map((tag) => [tag, pictureSchemes])),
  allowedSchemesAppliedToAttributes: [...urlAttributes],
  allowProtocolRelative: true,
  selfClosing: ['img', 'br', 'hr', 'area', 'meta', 'col', 'wbr', 'source'],
  disallowedTagsMode: 'discard',
  nestingLimit: maxDepth,
  // Style is cleaned by rules of its own.
  parseStyleAttributes: false,
  transformTags: { '*': cleanElement },
  // A meta that says nothing was not wanted.
  exclusiveFilter: ({ tag, attribs }) => tag === 'meta' && Object.keys(attribs).length === 0,
};
