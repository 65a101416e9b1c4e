import { describe, expect, it } from 'vitest';
import { AirSync } from './code-pages/air-sync.ts';
import { ComposeMail } from './code-pages/compose-mail.ts';
import { Move } from './code-pages/move.ts';
import { bytesOf, child, childrenOf, el, flagOf, has, integerOf, text, textOf } from './element.ts';

const collection = el(
  AirSync.Collection,
  el(AirSync.SyncKey, '7'),
  undefined,
  el(AirSync.DeletesAsMoves),
  el(AirSync.GetChanges, false),
  el(AirSync.WindowSize, 'many'),
);
const sync = el(AirSync.Sync, el(AirSync.Collections, collection, el(AirSync.Collection)));

describe('reading elements', () => {
  it('follows a path of tags to the first element', () => {
    expect(child(sync, AirSync.Collections, AirSync.Collection)).toBe(collection);
    expect(child(sync, AirSync.Collection)).toBeUndefined();
    expect(child(undefined, AirSync.Sync)).toBeUndefined();
    expect(child(sync)).toBe(sync);
  });

  it('lists all children of a tag', () => {
    expect(childrenOf(child(sync, AirSync.Collections), AirSync.Collection).length).toBe(2);
    expect(childrenOf(undefined, AirSync.Collection)).toEqual([]);
  });

  it('never takes a tag of another page for the same', () => {
    expect(has(el(Move.Response, el(Move.Status, 1)), AirSync.Status)).toBe(false);
    expect(has(el(Move.Response, el(Move.Status, 1)), Move.Status)).toBe(true);
  });

  it('tells an empty text from a missing element', () => {
    expect(textOf(collection, AirSync.SyncKey)).toBe('7');
    expect(textOf(collection, AirSync.DeletesAsMoves)).toBe('');
    expect(textOf(collection, AirSync.CollectionId)).toBeUndefined();
    expect(textOf(sync, AirSync.Collections, AirSync.Collection, AirSync.SyncKey)).toBe('7');
  });

  it('reads an empty boolean as true and a missing one as undefined', () => {
    expect(flagOf(collection, AirSync.DeletesAsMoves)).toBe(true);
    expect(flagOf(collection, AirSync.GetChanges)).toBe(false);
    expect(flagOf(collection, AirSync.Supported)).toBeUndefined();
    expect(flagOf(el(AirSync.Collection, el(AirSync.GetChanges, 'False')), AirSync.GetChanges)).toBe(false);
    expect(flagOf(el(AirSync.Collection, el(AirSync.GetChanges, '1')), AirSync.GetChanges)).toBe(true);
  });

  it('reads integers, and NaN for what is none', () => {
    expect(integerOf(collection, AirSync.SyncKey)).toBe(7);
    expect(integerOf(collection, AirSync.DeletesAsMoves)).toBeUndefined();
    expect(integerOf(collection, AirSync.Supported)).toBeUndefined();
    expect(integerOf(collection, AirSync.WindowSize)).toBeNaN();
  });

  it('reads bytes sent as a string, and a string sent as bytes', () => {
    const mime = Buffer.from('é');
    const asBytes = el(ComposeMail.SendMail, el(ComposeMail.Mime, mime));
    const asText = el(ComposeMail.SendMail, el(ComposeMail.Mime, 'é'));
    for (const root of [asBytes, asText]) {
      expect(bytesOf(root, ComposeMail.Mime)).toEqual(mime);
      expect(textOf(root, ComposeMail.Mime)).toBe('é');
    }
    expect(text(el(ComposeMail.Mime))).toBe('');
    expect(bytesOf(asText, ComposeMail.ClientId)).toBeUndefined();
  });

  it('joins the parts of an element built from several', () => {
    const built = el(ComposeMail.Mime, 'a', 1, Buffer.from('x'), true, Buffer.from('y'));
    expect(built.text).toBe('a11');
    expect(built.opaque).toEqual(Buffer.from('xy'));
  });
});
