/** Of the characters from U+00A0 to U+00FF, in their order (HTML 4.01, section 24.2.1). */
const latin =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';
/** From U+03B1 to U+03C9, in their order; with a capital letter they are 32 before. */
const greek =
  'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega';

/** Characters by their names. */
const named: ReadonlyMap<string, string> = new Map([
  ...latin.split(' ').map((name, n): [string, string] => [name, String.fromCharCode(0xa0 + n)]),
  ...greek.split(' ').flatMap((name, n): [string, string][] => {
    const code = 0x3b1 + n;
    const capital = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    return [
      [name, String.fromCharCode(code)],
      [capital, String.fromCharCode(code - 32)],
    ];
  }),
  ...Object.entries({
    ...{ amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", euro: '€', trade: '™', hellip: '…', bull: '•' },
    ...{ ndash: '–', mdash: '—', lsquo: '‘', rsquo: '’', sbquo: '‚', ldquo: '“', rdquo: '”', bdquo: '„' },
    ...{ lsaquo: '‹', rsaquo: '›', dagger: '†', Dagger: '‡', permil: '‰', ensp: ' ', emsp: ' ', thinsp: ' ' },
    ...{ OElig: 'Œ', oelig: 'œ', Scaron: 'Š', scaron: 'š', Zcaron: 'Ž', zcaron: 'ž', Yuml: 'Ÿ', fnof: 'ƒ' },
    ...{
      Ccaron: 'Č',
      ccaron: 'č',
      Rcaron: 'Ř',
      rcaron: 'ř',
      Ecaron: 'Ě',
      ecaron: 'ě',
      Uring: 'Ů',
      uring: 'ů',
    },
    ...{
      Cacute: 'Ć',
      cacute: 'ć',
      Nacute: 'Ń',
      nacute: 'ń',
      Sacute: 'Ś',
      sacute: 'ś',
      Zacute: 'Ź',
      zacute: 'ź',
    },
    ...{ Aogon: 'Ą', aogon: 'ą', Eogon: 'Ę', eogon: 'ę', Lstrok: 'Ł', lstrok: 'ł', Zdot: 'Ż', zdot: 'ż' },
    ...{
      Abreve: 'Ă',
      abreve: 'ă',
      Gbreve: 'Ğ',
      gbreve: 'ğ',
      Scedil: 'Ş',
      scedil: 'ş',
      Idot: 'İ',
      imath: 'ı',
    },
    ...{ Odblac: 'Ő', odblac: 'ő', Udblac: 'Ű', udblac: 'ű', Dstrok: 'Đ', dstrok: 'đ' },
    // What is not seen.
    ...{ nbsp: ' ', shy: '', zwnj: '', zwj: '', lrm: '', rlm: '' },
  }),
]);

/** Numbers from 128 to 159 name what these bytes are in windows-1252, as browsers read them. */
const windows = new TextDecoder('windows-1252');

/**
 * A text of HTML with its numeric character references decoded, and those by name that occur in mail: of the letters of Europe, signs
 * and blanks. Others stay as they are; what is no character, or is not seen, is left out.
 */
export function decodeReferences(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z][a-z\d]{1,7}));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return named.get(name) ?? whole;
      return characterOf(decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal));
    },
  );
}

function characterOf(code: number): string {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return '';
  return code >= 0x80 && code < 0xa0 ? windows.decode(Uint8Array.of(code)) : String.fromCodePoint(code);
}
