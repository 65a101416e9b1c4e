/** The parts of mailauth that are used here, below its front door: that one verifies a message it holds whole. */
declare module 'mailauth/lib/dkim/dkim-verifier.js' {
  import type { Writable } from 'node:stream';

  export interface HeaderRow {
    /** In lower case. */
    readonly key: string;
    readonly casedKey: string;
    /** With its folds, without the line end behind it. */
    readonly line: Buffer;
  }

  interface BodyHasher {
    /** In base64, once the body has ended. */
    hash?: string;
    readonly byteLength: number;
    readonly canonicalizedLength: number;
    readonly bodyHashedBytes: number;
    update(chunk: Uint8Array): void;
    digest(encoding: 'base64'): string;
    setContentType(type: unknown): void;
    getMimeStructureStart(): number | false;
  }

  interface DkimResult {
    readonly signingDomain?: string;
    readonly selector?: string;
    readonly algo?: string;
    readonly signature?: string;
    readonly status: {
      readonly result: string;
      readonly comment?: string | false;
      readonly underSized?: number;
      readonly policy?: Readonly<Record<string, string>>;
    };
  }

  interface ArcData {
    readonly chain?: readonly {
      readonly 'arc-seal'?: { readonly parsed?: { readonly d?: { readonly value?: unknown } } };
    }[];
  }

  export class DkimVerifier extends Writable {
    constructor(options: {
      readonly resolver: (name: string, type: string) => Promise<unknown[]>;
      readonly curTime: Date;
      readonly rejectRsaSha1: boolean;
    });
    headers: { readonly parsed: readonly HeaderRow[]; readonly original: Uint8Array } | false;
    readonly headerFrom: readonly string[];
    readonly fromFields: number;
    /** Those that are verified, and those that are not even looked at. */
    readonly signatureHeaders: readonly {
      readonly signingDomain?: string;
      readonly selector?: string;
      readonly skip?: unknown;
      readonly invalid?: unknown;
    }[];
    readonly results: readonly DkimResult[];
    readonly arc: ArcData;
    readonly bodyHashes: Map<string, BodyHasher>;
    messageHeaders(headers: {
      readonly parsed: readonly HeaderRow[];
      readonly original: Uint8Array;
    }): Promise<void>;
    addBodyHash(canonicalization: string, algorithm: string, maxLength: number | ''): string;
    finalChunk(): Promise<void>;
  }
}

declare module 'mailauth/lib/spf/index.js' {
  export function spf(options: {
    readonly sender: string;
    readonly ip: string;
    readonly helo: string;
    readonly mta: string;
    readonly resolver: (name: string, type: string) => Promise<unknown[]>;
    readonly maxElapsedTime: number;
  }): Promise<{
    /** Of the identity that was checked. */
    readonly domain: string;
    readonly status: { readonly result: string };
  }>;
}

declare module 'mailauth/lib/dmarc/index.js' {
  interface DmarcResponse {
    readonly status: { readonly result: string; readonly header: { readonly from: string } };
    /** What the domain asks for, after np, sp and t=y. */
    readonly policy?: string;
  }

  export function evaluateDmarc(options: {
    readonly headerFrom: readonly string[];
    readonly fromFields: number;
    readonly spfDomains: readonly string[];
    readonly dkimDomains: readonly { readonly domain: string; readonly underSized?: number | undefined }[];
    readonly resolver: (name: string, type: string) => Promise<unknown[]>;
  }): Promise<{
    /** False: the message has no author domain, or more than one. */
    readonly response: DmarcResponse | false;
    readonly reason?: string;
  }>;
}

declare module 'mailauth/lib/arc/index.js' {
  import type { ArcData } from 'mailauth/lib/dkim/dkim-verifier.js';

  export function arc(
    data: ArcData,
    options: { readonly resolver: (name: string, type: string) => Promise<unknown[]> },
  ): Promise<{
    readonly status: { readonly result: string };
    /** What the newest sealer found. */
    readonly authenticationResults?: { readonly dmarc?: { readonly result?: string } };
  }>;
}

declare module 'mailauth/lib/dkim/body/index.js' {
  export function dkimBody(
    canonicalization: string,
    algorithm: string,
    maxLength: number | false,
  ): { update(chunk: Uint8Array): void; digest(encoding: 'base64'): string };
}

declare module 'mailauth/lib/tools.js' {
  import type { HeaderRow } from 'mailauth/lib/dkim/dkim-verifier.js';

  export function parseHeaders(header: Buffer): { readonly parsed: readonly HeaderRow[] };

  type Properties = Readonly<Record<string, string>>;

  /** A resinfo of RFC 8601 §2.2, its values quoted where they have to be. */
  export function formatAuthHeaderRow(
    method: string,
    status: {
      readonly result: string;
      readonly comment?: string | undefined;
      readonly policy?: Properties | undefined;
      readonly smtp?: Properties | undefined;
      readonly header?: Properties | undefined;
    },
    options: { readonly strict: boolean },
  ): string;
}
