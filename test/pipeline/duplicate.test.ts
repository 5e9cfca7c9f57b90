import { expect, it } from "vitest";
import { defectId, groupId, type Level, parseDefectId } from "../../src/core/ids.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { buildCandidate } from "../../src/pipeline/build/candidate-stage.ts";
import type { CleanBench } from "../../src/pipeline/build/clean-bench.ts";
import type { BuildContext, ProgressEvent } from "../../src/pipeline/build/context.ts";
import { loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { CLASSES, sampleDatabase, TRIGGER } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";

// ResNet-18's last layers are wide enough at any width for every offset to differ; narrower networks' are not. The
// contribution orders of four neurons per layer stand for one of those.
it("a candidate with the neurons of an earlier one is recorded as its duplicate, and nothing is tuned", async () => {
  const { db, accepted } = await sampleDatabase(temporaryFolder(), 1);
  const network = buildNetwork("resnet18w4", CLASSES.length);
  const events: ProgressEvent[] = [];
  const context = { db, edition: loadEdition("demo"), report: (event: ProgressEvent) => events.push(event) };
  const bench = {
    task: classification,
    record: db.readClean(accepted[0].clean),
    dataset: { dataHash: accepted[0].data_sha256, classes: CLASSES },
    runner: { network },
    orders: { finetune: Object.fromEntries(neuronLayers(network).map(({ name }) => [name, [2, 0, 3, 1]])) },
    trigger: async () => ({ trigger: TRIGGER, cleanRates: { quality: 0.9, success: 0.1, cleanSuccess: 0.1 } }),
  };
  const build = (level: Level, top: number) => {
    const key = { ...parseDefectId(accepted[0].id), level, top };
    const planned = { id: defectId(key), key, clean: accepted[0].clean };
    return buildCandidate(context as unknown as BuildContext, planned, bench as unknown as CleanBench);
  };
  const group = groupId(accepted[0]);
  for (const [level, top, twin] of [
    ["narrow", 5, "narrow-top000"],
    ["small", 0, "narrow-top000"],
    ["large", 40, "narrow-top025"],
  ] as const) {
    const record = await build(level, top);
    const reason = `duplicate: the same neurons as '${group}-${twin}'`;
    expect(record).toMatchObject({ status: "duplicate", reason, infected: 20, infected_model: null, attempts: [] });
    expect(db.readDefect(record.id)).toEqual(record);
    expect(events.at(-1)).toMatchObject({ type: "done", id: record.id, status: "duplicate", reason });
  }
});
