import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{src,protocols,storage,test}/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
