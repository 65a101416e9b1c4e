/** RTF specification, Destinations: these are not shown, though a reader need not pass over what it does not know. */
export const hiddenDestinations = new Set(
  'fonttbl colortbl stylesheet info pict header headerl headerr headerf footer footerl footerr footerf footnote listtable listoverridetable revtbl rsidtbl generator themedata colorschememapping latentstyles datastore filetbl xmlnstbl mhtmltag objdata fldinst'.split(
    ' ',
  ),
);
/** MS-OXRTFEX, CONTENT HTML Fragment; RTF specification, Special Characters. */
export const characters: Readonly<Record<string, string>> = {
  par: '\r\n',
  line: '\r\n',
  row: '\r\n',
  sect: '\r\n',
  page: '\r\n',
  tab: '\t',
  cell: '\t',
  lquote: '\u2018',
  rquote: '\u2019',
  ldblquote: '\u201c',
  rdblquote: '\u201d',
  bullet: '\u2022',
  endash: '\u2013',
  emdash: '\u2014',
  enspace: '\u2002',
  emspace: '\u2003',
};
/** RTF specification, Font Table: the code pages of fonts by their \fcharset. */
export const fontCodePages: Readonly<Record<number, number>> = {
  0: 1252,
  77: 10000,
  128: 932,
  129: 949,
  134: 936,
  136: 950,
  161: 1253,
  162: 1254,
  163: 1258,
  177: 1255,
  178: 1256,
  186: 1257,
  204: 1251,
  222: 874,
  238: 1250,
  254: 437,
  255: 850,
};
