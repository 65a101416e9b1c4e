/** The part of html-to-text that is used here; the package ships no types. */
declare module 'html-to-text' {
  interface SelectorDefinition {
    readonly selector: string;
    readonly format?: string;
    readonly options?: Readonly<Record<string, unknown>>;
  }

  interface HtmlToTextOptions {
    readonly wordwrap?: number | false;
    readonly decodeEntities?: boolean;
    readonly limits?: {
      readonly ellipsis?: string;
      readonly maxBaseElements?: number;
      readonly maxChildNodes?: number;
      readonly maxDepth?: number;
      readonly maxInputLength?: number;
    };
    readonly selectors?: readonly SelectorDefinition[];
  }

  export function compile(options: HtmlToTextOptions): (html: string) => string;
}
