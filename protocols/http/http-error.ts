/** HttpError is an answer thrown: its status, its text and its headers become exactly that response. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /** `text` goes to the client: it names the condition and no details. */
  constructor(
    status: number,
    text: string,
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(text, options);
    this.status = status;
    this.headers = headers;
  }
}
