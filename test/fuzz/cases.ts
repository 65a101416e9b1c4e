/** Which cases a run of the fuzzers has: few in each run of the tests, many in `npm run test:fuzz`. */
const only = process.env['FUZZ_CASE'];
const first = Number(only ?? process.env['FUZZ_FIRST'] ?? 1);

/** The numbers of the cases: `usually` so many, or so many times as FUZZ_TIMES says. */
export function casesOf(usually: number): readonly number[] {
  const count = only === undefined ? usually * Number(process.env['FUZZ_TIMES'] ?? 1) : 1;
  return Array.from({ length: count }, (_, n) => first + n);
}
