import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,protocols,storage,test}/**/*.test.ts'],
    setupFiles: ['test/support/spoken-versions.ts'],
    reporters: ['default', './test/support/conformance-reporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // The files of a worker share its modules, and what V8 has learnt of them: alone each would load the whole server anew.
    isolate: false,
    // Servers and threads that tests start are compiled once.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/node', import.meta.url)) },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
