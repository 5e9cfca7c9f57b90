import { defineConfig } from "vitest/config";

/** The tests that need a Slurm cluster: `npm run test:slurm` starts one on this machine. */
export default defineConfig({
  test: {
    include: ["test/slurm/**/*.test.ts"],
    globalSetup: ["test/setup/build.ts"],
    setupFiles: ["test/setup/each-file.ts"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
});
