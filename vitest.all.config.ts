import { defineConfig, mergeConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import quick from "./vitest.config.ts";

/** Long files first: a worker that began one last would go on alone for minutes. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => moduleId.endsWith(".long.test.ts");
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** What `npm run test:all` and CI run: the long and exhaustive tests too. */
const all = mergeConfig(
  quick,
  defineConfig({ test: { env: { BDEFECTS_LONG: "1" }, sequence: { sequencer: LongFirst } } }),
);
all.test!.exclude = ["test/slurm/**", "test/webgpu/**"];
export default all;
