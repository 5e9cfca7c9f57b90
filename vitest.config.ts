import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Needs a cluster: npm run test:slurm.
    exclude: ["test/slurm/**"],
    globalSetup: ["test/setup/build.ts"],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
  },
});
