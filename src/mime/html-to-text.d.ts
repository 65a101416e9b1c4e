/** The part of html-to-text that is used here; the package ships no types. */
declare module 'html-to-text' {
  interface SelectorDefinition {
    readonly selector: string;
    readonly format?: string;
    readonly options?: Readonly<Record<string, unknown>>;
  }

  /** Of htmlparser2, as far as it is passed on. */
  interface FormattedElement {
    readonly children: readonly unknown[];
  }

  interface BlockTextBuilder {
    /** White space in it is what it is in HTML. */
    addInline(text: string): void;
  }

  type Formatter = (
    element: FormattedElement,
    walk: (children: readonly unknown[], builder: BlockTextBuilder) => void,
    builder: BlockTextBuilder,
  ) => void;

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
    readonly formatters?: Readonly<Record<string, Formatter>>;
  }

  export function compile(options: HtmlToTextOptions): (html: string) => string;
}
