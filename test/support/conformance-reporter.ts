/** At the end of a run: did the tests of the conformance table speak the versions that its rows claim? A row that lies fails the run. */
import { relative } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { unspokenRows } from './spoken-rows.ts';

export default class ConformanceReporter implements Reporter {
  #isOfAll = true;

  onInit({ config }: Vitest): void {
    this.#isOfAll = config.testNamePattern === undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // Of tests that were left out, or failed, nobody knows what they would have spoken.
    if (!this.#isOfAll) return;
    const whole = modules.filter((module) => module.ok());
    const tests = whole.flatMap((module) => {
      const file = relative('test/activesync', module.relativeModuleId);
      return [...module.children.allTests()].map((test) => ({
        file,
        name: test.name,
        spoken: test.meta().spoken ?? [],
      }));
    });
    for (const { command, row, versions } of unspokenRows(tests)) {
      process.exitCode = 1;
      process.stderr.write(`conformance: ${command}: no test speaks ${versions.join(', ')}: ${row.line}\n`);
    }
  }
}
