/** The global tokens that ActiveSync uses (WBXML 1.3, Global Tokens; MS-ASWBXML, Processing Rules). */
export const SWITCH_PAGE = 0x00;
export const END = 0x01;
export const ENTITY = 0x02;
export const STR_I = 0x03;
export const OPAQUE = 0xc3;

/** Flags of a tag's token. */
export const HAS_CONTENT = 0x40;
export const HAS_ATTRIBUTES = 0x80;

/** UTF-8 (IANA MIBenum). */
export const CHARSET_UTF8 = 106;
