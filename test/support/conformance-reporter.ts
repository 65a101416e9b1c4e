/** At the end of a run: did the tests of the conformance table speak the versions and elements that its rows claim? A row that lies fails the run. */
import { relative } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { unseenElements, unspokenRows } from './spoken-rows.ts';

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
    // An element is noted with the test that had it first, which may have failed.
    if (whole.length === modules.length) this.#compareElements(modules);
  }

  #compareElements(modules: readonly TestModule[]): void {
    const files = new Set(modules.map((module) => relative('test/activesync', module.relativeModuleId)));
    const documents = new Set(
      modules.flatMap((module) =>
        [...module.children.allTests()].flatMap((test) => test.meta().exchanged ?? []),
      ),
    );
    for (const { command, row, element, versions } of unseenElements(files, documents)) {
      process.exitCode = 1;
      const what = row.tests.length > 0 ? 'no document has' : 'it is answered all the same:';
      process.stderr.write(
        `conformance: ${command}: ${row.kind}: ${what} ${element} in ${versions.join(', ')}\n`,
      );
    }
  }
}
