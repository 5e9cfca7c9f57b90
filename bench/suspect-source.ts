import { Random } from "../src/core/random.ts";
import { initialState } from "../src/graph/initial-state.ts";
import type { Suspect } from "../src/localize/types.ts";
import { createRunner } from "../src/measure/ort-runner.ts";
import { withJudging } from "../src/pipeline/judging/judge.ts";
import { blind } from "../src/pipeline/judging/suspect.ts";
import { buildNetwork } from "../src/tasks/classification/models/registry.ts";
import { classification } from "../src/tasks/classification/task.ts";

/** A defect of a database, or a network with weights as training begins and no images. */
export type SuspectSource = { id: string; db: string; data: string; seed: number } | { arch: string };

const CLASSES = 10;

/** Opens a suspect, and closes it after the work. Threads are those of the work's own runner. */
export async function withSuspect<T>(source: SuspectSource, work: (suspect: Suspect) => Promise<T>): Promise<T> {
  if ("arch" in source) return work(await untrained(source.arch));
  return withJudging(source, async ({ database, bench }) => {
    const record = database.readDefect(source.id);
    return work(await bench.suspect(await bench.model(record, "infected"), await bench.dataset(record)));
  });
}

async function untrained(arch: string): Promise<Suspect> {
  const network = buildNetwork(arch, CLASSES);
  const { height, width } = network.input;
  const none = { count: 0, height, width, pixels: new Uint8Array(0), labels: new Uint8Array(0) };
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } as Suspect["normalization"];
  return {
    name: arch,
    task: blind(classification),
    network,
    state: initialState(network, new Random(1)),
    normalization,
    augmentation: { flip: false, cropPadding: 0 },
    clean: { fit: none, threshold: none },
    seed: 1,
    runner: await createRunner(classification, network, normalization, { threads: 1 }),
  };
}
