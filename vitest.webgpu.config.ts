import { defineConfig } from "vitest/config";

/** The tests that need a WebGPU device: `npm run test:webgpu` gives them one in software. */
export default defineConfig({
  test: {
    include: ["test/webgpu/**/*.test.ts"],
    globalSetup: ["test/setup/build.ts"],
    setupFiles: ["test/setup/each-file.ts"],
    testTimeout: 600_000,
    hookTimeout: 240_000,
    // One device for all.
    fileParallelism: false,
  },
});
