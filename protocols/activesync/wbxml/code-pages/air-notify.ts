import { defineCodePage } from '../code-page.ts';

/** MS-ASWBXML, code page 3: AirNotify. Reserved, never used: the page of a feature withdrawn before 2.5. */
export const AirNotify = defineCodePage(3, 'AirNotify', {});
