import { domainToASCII } from 'node:url';
import { fieldEnd } from '#mime/header-fields';

/**
 * A header without the Authentication-Results fields that bear our own name: whoever sent them, we did not write them
 * (RFC 8601 §5). Fields named in `others`, in lower case, are taken out too.
 */
export function withoutForged(header: Buffer, hostname: string, others: ReadonlySet<string>): Buffer {
  const block = header.toString('latin1');
  if (!/^[ \t]*authentication-results[ \t\r\n]*:/im.test(block) && others.size === 0) return header;
  const kept: string[] = [];
  for (let at = 0; at < block.length; ) {
    const end = fieldEnd(block, at);
    const field = block.slice(at, end);
    if (!isForged(field, hostname, others)) kept.push(field);
    at = end;
  }
  return Buffer.from(kept.join(''), 'latin1');
}

function isForged(field: string, hostname: string, others: ReadonlySet<string>): boolean {
  const colon = field.indexOf(':');
  const name = field.slice(0, Math.max(0, colon)).trim().toLowerCase();
  if (others.has(name)) return true;
  if (name !== 'authentication-results') return false;
  const id = authservId(field.slice(colon + 1));
  // What cannot be read is ours if somebody might read our name in it.
  return id === undefined ? field.toLowerCase().includes(hostname.toLowerCase()) : isSameHost(id, hostname);
}

function isSameHost(id: string, hostname: string): boolean {
  const text = Buffer.from(id, 'latin1').toString('utf8').replace(/\.$/, '').toLowerCase();
  const host = hostname.toLowerCase();
  return text === host || domainToASCII(text) === host;
}

/** RFC 8601 §2.2: `[CFWS] authserv-id [ CFWS authres-version ]`; undefined if there is none to be read. */
function authservId(value: string): string | undefined {
  const start = afterComments(value);
  if (start === undefined) return undefined;
  const quoted = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(value.slice(start));
  if (quoted) return (quoted[1] ?? '').replace(/\\([\s\S])/g, '$1').replace(/\r\n/g, '');
  // RFC 2045 §5.1: a token.
  return /^[^\s()<>@,;:\\"/[\]?=]+/.exec(value.slice(start))?.[0];
}

/** The offset behind white space, folds and comments, which may be nested; undefined for one that does not end. */
function afterComments(value: string): number | undefined {
  let depth = 0;
  for (let at = 0; at < value.length; at++) {
    const char = value.charAt(at);
    if (char === '\\' && depth > 0) at++;
    else if (char === '(') depth++;
    else if (char === ')' && depth > 0) depth--;
    else if (depth === 0 && !/\s/.test(char)) return at;
  }
  return undefined;
}
