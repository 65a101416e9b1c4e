/** How much of each bench is run: `BENCH_SHARE=0.1` takes a tenth of its messages, devices and connections. */
export const share = Number(process.env['BENCH_SHARE'] ?? 1);

/** That share of a number, at least 1. */
export const shareOf = (all: number): number => Math.max(1, Math.round(all * share));
