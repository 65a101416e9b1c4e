/** Lists are by falling time: keys hold the rest to the highest number. Of what was received (ms since the epoch). */
export function placeTime(receivedMs: number): number {
  return Number.MAX_SAFE_INTEGER - Math.max(0, receivedMs);
}
