/** The value below which the share `p` (0 to 1) of the figures lies; 0.5 is the median. */
export function percentile(figures: readonly number[], p: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

/** The middle one. */
export const median = (figures: readonly number[]): number => percentile(figures, 0.5);

/** Prints a table: the first column to the left, the others to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const lines = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines) {
    const cells = line.map((cell, n) =>
      n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0),
    );
    console.log(cells.join('   '));
  }
}

/** Milliseconds since the epoch, finer than Date.now(): the same clock in every process of a machine. */
export const wallClockMs = (): number => performance.timeOrigin + performance.now();
