/** What a check came to. */
export type Level = 'OK' | 'WARN' | 'FAIL';

/** Finding is one line of the doctor's report, as --json prints it. */
export interface Finding {
  /** What was checked. */
  readonly Check: string;
  readonly Status: Level;
  readonly Found: string;
  /** What to do; absent if nothing is. */
  readonly Advice?: string;
}

/** A check tells what it found; it ends what it has open when the signal is aborted. */
export interface Check {
  readonly name: string;
  run(signal: AbortSignal): Promise<readonly Finding[]>;
}

export const ok = (Check: string, Found: string): Finding => ({ Check, Status: 'OK', Found });
export const warn = (Check: string, Found: string, Advice: string): Finding => ({
  Check,
  Status: 'WARN',
  Found,
  Advice,
});
export const fail = (Check: string, Found: string, Advice: string): Finding => ({
  Check,
  Status: 'FAIL',
  Found,
  Advice,
});

/** runChecks runs the checks side by side, each for at most `timeoutMs`; findings are in the checks' order. Never rejects. */
export async function runChecks(checks: readonly Check[], timeoutMs: number): Promise<readonly Finding[]> {
  const findings = await Promise.all(checks.map((check) => withinTime(check, timeoutMs)));
  return findings.flat();
}

async function withinTime({ name, run }: Check, timeoutMs: number): Promise<readonly Finding[]> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Finding[]>((resolve) => {
    timer = setTimeout(() => {
      const advice = 'Look whether the machine is overloaded or the network drops packets, and try again.';
      resolve([fail(name, `no answer within ${timeoutMs / 1000} seconds`, advice)]);
    }, timeoutMs);
  });
  try {
    return await Promise.race([run(controller.signal), late]);
  } catch (error) {
    return [fail(name, reasonOf(error), 'This is not what the check expects: see the log of the server.')];
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

/** reasonOf says in few words why something did not work. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const words = code === undefined ? undefined : reasons[code];
  return words ?? (error.message === '' ? (code ?? error.name) : error.message);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut off',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ETIMEDOUT: 'nothing answers there',
  ENOTFOUND: 'the name is not in DNS',
  ENODATA: 'DNS has no address for the name',
  EACCES: 'the system does not allow it',
  ENOENT: 'it is not there',
};
