import { defineConfig, mergeConfig } from "vitest/config";
import quick from "./vitest.config.ts";

/** What `npm run test:all` and CI run: the long and exhaustive tests too. */
const all = mergeConfig(quick, defineConfig({ test: { env: { BDEFECTS_LONG: "1" } } }));
all.test!.exclude = ["test/slurm/**", "test/webgpu/**"];
export default all;
