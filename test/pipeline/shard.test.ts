import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEVELS, OFFSETS } from "../../src/core/ids.ts";
import { ranges } from "../../src/pipeline/executors/slurm.ts";
import { makePlan } from "../../src/pipeline/plan/plan.ts";
import { type Shard, shardOf } from "../../src/pipeline/plan/shard.ts";
import { loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { TINY, writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";

const edition = { ...loadEdition(TINY), clean_seeds: 3 };
const select = {
  ...edition.select,
  dataset: ["cifar10", "signs"],
  level: [...LEVELS],
  offset: [...OFFSETS],
};
const whole = makePlan(edition, select);
const part = (shard: Shard) => shardOf(whole, shard);
const idsOf = (models: { id: string }[]) => models.map(({ id }) => id);

describe("shards", () => {
  it("hold every candidate once, equally many each, with the clean models they need", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: whole.candidates.length + 5 }), (count) => {
        const shards = Array.from({ length: count }, (_, index) => part({ index, count }));
        expect(shards.flatMap(({ candidates }) => idsOf(candidates)).sort()).toEqual(idsOf(whole.candidates).sort());
        const sizes = shards.map(({ candidates }) => candidates.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        for (const { clean, candidates } of shards) {
          expect(new Set(idsOf(clean))).toEqual(new Set(candidates.map((candidate) => candidate.clean)));
        }
      }),
      { numRuns: 30 },
    );
  });

  it("keep the candidates of a clean model together", () => {
    const count = whole.clean.length;
    expect(count).toBe(6);
    for (let index = 0; index < count; index++) {
      expect(part({ index, count }).clean).toHaveLength(1);
    }
  });

  it("are chosen by two options that belong together", () => {
    const data = writeTinyData(temporaryFolder());
    const plan = (...args: string[]) => ["build", "--edition", TINY, "--data", data, "--dry-run", ...args];
    const part = rowsOf(plan("--shard-index", "1", "--shard-count", "2")).map(({ id }) => id);
    expect(part).toEqual(
      idsOf(shardOf(makePlan(loadEdition(TINY), edition.select), { index: 1, count: 2 }).candidates),
    );
    for (const [args, message] of [
      [["--shard-index", "1"], /--shard-index without --shard-count: give both/],
      [["--shard-index", "2", "--shard-count", "2"], /--shard-index 2: counts from 0 to 1/],
      [["--slurm-tasks", "2"], /--slurm-tasks: needs --executor slurm/],
      [["--no-wait"], /--no-wait: needs --executor slurm/],
      [["--executor", "slurm", "--shard-index", "0", "--shard-count", "2"], /--shard-index: the tasks of/],
    ] as const) {
      const { status, stderr } = bdefects(plan(...args));
      expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(message) });
    }
  });
});

describe("--executor slurm", () => {
  it("needs Slurm's commands", () => {
    const { status, stderr } = bdefects(["build", "--edition", TINY, "--executor", "slurm"], { PATH: "/nowhere" });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/^error: --executor slurm: no 'sbatch' on this machine; [^\n]*--executor local\n$/),
    });
  });

  it("asks for the shards that are missing, as ranges", () => {
    expect([[0], [0, 1, 2], [1, 3, 4, 9]].map(ranges)).toEqual(["0", "0-2", "1,3-4,9"]);
  });
});
