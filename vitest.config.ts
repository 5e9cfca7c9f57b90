import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // These need a cluster and a graphics card: npm run test:slurm, npm run test:webgpu.
    exclude: ["test/slurm/**", "test/webgpu/**"],
    globalSetup: ["test/setup/build.ts"],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
  },
});
