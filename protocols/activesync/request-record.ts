import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Device } from '#domain/device';
import type { TracedRequest } from '#domain/device-trace';
import type { DiaryEntry, PolicyKeyState } from '#domain/sync-diary';
import type { HttpError } from '#protocols/http/http-error';
import type { EndReason } from './command.ts';
import {
  type CollectionNotes,
  noNotes,
  notesOfAnswer,
  notesOfRequest,
  statusOfAnswer,
} from './diary-notes.ts';
import type { RequestLine } from './request-line.ts';
import { WbxmlContentError } from './wbxml/decode.ts';
import type { Element } from './wbxml/element.ts';
import { skeleton } from './wbxml/skeleton.ts';
import { headerOfMessage, toXml } from './wbxml/xml.ts';

/** An answer as it went out. */
export interface Sent {
  /** Of its body, as transferred. */
  readonly bytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of a traced document, in characters. */
const maxRequestChars = 64 * 1024;
const maxAnswerChars = 192 * 1024;
const maxError = 200;
const maxHeaderValue = 1024;
/** Headers that say who somebody is. */
const withheldHeaders: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization', 'cookie']);

/** What a trace holds beside what the diary does. */
interface TraceText {
  request: string;
  answer: string;
  answerHeaders: Readonly<Record<string, string>>;
}

/**
 * RequestRecord gathers what one request did, for the diary of its device and, where one is on, its trace. A request that
 * waits holds it: it is small, and nothing of a document stays in it.
 */
export class RequestRecord {
  readonly #startMs: number;
  readonly #trace: TraceText | undefined;
  #notes: CollectionNotes = noNotes;
  #bytesIn = 0;
  #bytesOut = 0;
  #waitedMs: number | undefined;
  #status: number | undefined;
  #error: string | undefined;
  #httpStatus: number | undefined;

  constructor(startMs: number, isTraced: boolean) {
    this.#startMs = startMs;
    this.#trace = isTraced ? { request: '', answer: '', answerHeaders: {} } : undefined;
  }

  get isTraced(): boolean {
    return this.#trace !== undefined;
  }

  /** The body as it came, inflated. */
  received(raw: Uint8Array): void {
    this.#bytesIn = raw.byteLength;
  }

  /** The body is this document. */
  decoded(root: Element): void {
    this.#notes = notesOfRequest(root);
    if (this.#trace !== undefined) this.#trace.request = toXml(root, maxRequestChars);
  }

  /** The body is a message. */
  gotMessage(raw: Uint8Array): void {
    if (this.#trace !== undefined) this.#trace.request = headerOfMessage(raw);
  }

  /** The body is no document. */
  undecodable(raw: Uint8Array, error: unknown): void {
    if (this.#trace === undefined) return;
    const [fault, end] =
      error instanceof WbxmlContentError ? [error.message, error.offset] : ['no document', 0];
    this.#trace.request = `cannot be decoded: ${fault}\n${skeleton(raw, end)}`;
  }

  waited(ms: number): void {
    this.#waitedMs = ms;
  }

  /** Why it was ended before its time. */
  ended(reason: EndReason): void {
    this.#error ??= `ended: ${reason}`;
  }

  /** It was refused, or it failed; `reason` names nothing of anybody's mail. */
  failed(status: number | undefined, reason: string): void {
    this.#status = status;
    this.#error = reason.slice(0, maxError);
  }

  /** HTTP refuses it, and will say so. */
  refused({ status, message }: HttpError): void {
    this.#httpStatus = status;
    this.#error = message.slice(0, maxError);
  }

  answered(root: Element | undefined, { bytes, headers }: Sent, parts: readonly Uint8Array[] = []): void {
    this.#bytesOut = bytes;
    if (root !== undefined) {
      this.#status = statusOfAnswer(root) ?? this.#status;
      this.#notes = notesOfAnswer(this.#notes, root);
    }
    if (this.#trace === undefined) return;
    const sizes = parts.map((part, index) => `<!-- part ${index + 1}: ${part.byteLength} bytes -->`);
    this.#trace.answer = [root === undefined ? '' : toXml(root, maxAnswerChars), ...sizes].join('\n');
    this.#trace.answerHeaders = headers;
  }

  /** For the diary, at the end of the request. */
  entry(line: RequestLine, device: Device | undefined, response: ServerResponse, nowMs: number): DiaryEntry {
    const { collections, more } = this.#notes;
    return {
      ...this.#outcome(line, response, nowMs),
      status: this.#status,
      policyKey: policyKeyState(line, device),
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      collections,
      moreCollections: more === 0 ? undefined : more,
    };
  }

  /** For the trace, at the end of the request; undefined if there is none. */
  traced(
    line: RequestLine,
    { url = '', headers }: IncomingMessage,
    response: ServerResponse,
    nowMs: number,
  ): TracedRequest | undefined {
    if (this.#trace === undefined) return undefined;
    const { request, answer, answerHeaders } = this.#trace;
    return {
      ...this.#outcome(line, response, nowMs),
      url: url.slice(0, maxHeaderValue),
      requestHeaders: Object.entries(headers).map(([name, value]) => [
        name,
        shown(name, String(value ?? '')),
      ]),
      request,
      answerHeaders: Object.entries(answerHeaders),
      answer,
    };
  }

  #outcome({ command, protocolVersion }: RequestLine, response: ServerResponse, nowMs: number) {
    return {
      atMs: this.#startMs,
      durationMs: Math.max(0, nowMs - this.#startMs),
      waitedMs: this.#waitedMs,
      command: command.slice(0, 40),
      version: protocolVersion,
      httpStatus: response.headersSent ? response.statusCode : this.#httpStatus,
      error: this.#error,
    };
  }
}

function shown(name: string, value: string): string {
  return withheldHeaders.has(name) ? 'withheld' : value.slice(0, maxHeaderValue);
}

function policyKeyState({ policyKey }: RequestLine, device: Device | undefined): PolicyKeyState {
  if (policyKey === undefined || policyKey === 0) return 'NONE';
  if (policyKey === device?.policyKey) return 'CURRENT';
  return policyKey === device?.pendingKey ? 'TEMPORARY' : 'OTHER';
}
