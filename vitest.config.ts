import { defineConfig } from "vitest/config";

/** What `npm test` runs. Long and exhaustive tests are named `*.long.test.ts`; `npm run test:all` runs them too. */
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Two of these need a cluster and a graphics card: npm run test:slurm, npm run test:webgpu.
    exclude: ["test/slurm/**", "test/webgpu/**", "test/**/*.long.test.ts"],
    globalSetup: ["test/setup/build.ts"],
    // Loading the sources takes longer than most test files: a worker loads them once for all of its files.
    isolate: false,
    setupFiles: ["test/setup/each-file.ts"],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
  },
});
