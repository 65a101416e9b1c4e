import type { Exception, InputOf, Operation } from '#test/support/workmail-operations';

/** How an operation is made to answer an exception. */
export interface Refusal {
  readonly operation: Operation;
  readonly exception: Exception;
  readonly how: string;
  /** What makes its good input a bad one. */
  readonly change: object;
}

/** refused is a row of the table; `change` is laid over the good input of the operation. */
export function refused<O extends Operation>(
  operation: O,
  exception: Exception,
  how: string,
  change: Partial<InputOf<O>>,
): Refusal {
  return { operation, exception, how, change };
}
