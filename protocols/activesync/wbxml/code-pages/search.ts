import { defineCodePage } from '../code-page.ts';

/**
 * MS-ASWBXML, code page 15: Search. Legacy, read from old clients only: Stores, SubstringOp, Schema,
 * Supported.
 */
export const Search = defineCodePage(15, 'Search', {
  Search: 0x05,
  Stores: 0x06,
  Store: 0x07,
  Name: 0x08,
  Query: 0x09,
  Options: 0x0a,
  Range: 0x0b,
  Status: 0x0c,
  Response: 0x0d,
  Result: 0x0e,
  Properties: 0x0f,
  Total: 0x10,
  EqualTo: 0x11,
  Value: 0x12,
  And: 0x13,
  Or: 0x14,
  FreeText: 0x15,
  SubstringOp: 0x16,
  DeepTraversal: 0x17,
  LongId: 0x18,
  RebuildResults: 0x19,
  LessThan: 0x1a,
  GreaterThan: 0x1b,
  Schema: 0x1c,
  Supported: 0x1d,
  UserName: 0x1e,
  Password: 0x1f,
  ConversationId: 0x20,
  Picture: 0x21,
  MaxSize: 0x22,
  MaxPictures: 0x23,
});
