/** What the server needs from the world; tests pass their own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `delayMs`; the returned function takes it back. */
  after(delayMs: number, callback: () => void): () => void;
}

export interface Random {
  bytes(length: number): Uint8Array;
}

export interface Outside {
  readonly clock: Clock;
  readonly random: Random;
}
