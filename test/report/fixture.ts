import { listNeurons } from "../../src/core/neurons.ts";
import { Random } from "../../src/core/random.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { chooseNeurons, repairContext } from "../../src/pipeline/judging/repair.ts";
import { parseUsing } from "../../src/pipeline/judging/using.ts";
import type { DefectRecord } from "../../src/records/defect.ts";
import { Results } from "../../src/store/results/results.ts";
import type { ImageDataset } from "../../src/tasks/classification/dataset.ts";
import { signs as drawnSigns } from "../../src/tasks/classification/datasets/signs.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { type SampleDatabase, sampleDatabase } from "../store/fixture.ts";

export const CRITERIA = ["clp", "fp", "random"];
export const USINGS = ["oracle", "random", "clp", "clp:topk"];

let loading: Promise<ImageDataset> | undefined;
/** The drawn signs, loaded once. */
export function signs(): Promise<ImageDataset> {
  loading ??= drawnSigns.load({ dataDir: "", seed: 1 });
  return loading;
}

/**
 * A small database with results: random scores that know a little of the infected neurons (`clp` on infected models
 * only), and repairs. With `pictures` its records carry the hash of the drawn signs, so that a report finds them.
 */
export async function judgedDatabase(dir: string, { count = 4, pictures = false } = {}): Promise<SampleDatabase> {
  const sample = await sampleDatabase(dir, count);
  const { db } = sample;
  if (pictures) {
    const { dataHash } = await signs();
    sample.accepted = sample.accepted.map((record) => db.writeDefect({ ...record, data_sha256: dataHash }));
  }
  const results = new Results(db);
  for (const record of sample.accepted) {
    for (const criterion of CRITERIA) {
      for (const version of ["infected", "sham"] as const) predict(results, sample, record, criterion, version);
    }
    const { decoded_sha256 } = record.infected_model!;
    const choose = (using: string) =>
      chooseNeurons(parseUsing(using), results, repairContext(db, record, "infected")!, 1).neurons;
    for (const [i, using] of USINGS.entries()) {
      const after = { ca_after: 0.8 - 0.01 * i, asr_after: using === "random" ? 0.95 : 0.1 * i };
      results.saveRepair({
        kind: "repair",
        id: record.id,
        method: "prune",
        using,
        seed: 1,
        budget: "short",
        model_sha256: decoded_sha256,
        neurons: listNeurons(choose(using)),
        ca_before: record.metrics.ca!,
        asr_before: record.metrics.asr!,
        ...after,
        seconds: 0.1,
      });
    }
  }
  return sample;
}

function predict(
  results: Results,
  { db }: SampleDatabase,
  record: DefectRecord,
  criterion: string,
  version: "infected" | "sham",
): void {
  const random = new Random(criterion.length * 1000 + record.top + record.level.length + (version === "sham" ? 1 : 0));
  const { infected } = db.readLabels(record.id);
  const knows = criterion === "clp" && version === "infected" ? 1.5 : 0.2;
  const scores = Object.fromEntries(
    neuronLayers(buildNetwork(record.arch, 10)).map(({ name, width }) => [
      name,
      Array.from({ length: width }, (_, c) => random.normal() + (infected[name]?.includes(c) ? knows : 0)),
    ]),
  );
  const native = Object.entries(scores).flatMap(([layer, values]) =>
    values.flatMap((score, c) => (score > 1.5 ? [`${layer}:${c}`] : [])),
  );
  const ref = version === "sham" ? record.sham_model! : record.infected_model!;
  results.savePrediction({
    kind: "prediction",
    id: record.id,
    version,
    criterion,
    access: "clean",
    seconds: 0.5,
    seed: 1,
    budget: "short",
    model_sha256: ref.decoded_sha256,
    raw: scores,
    scores,
    native,
    note: null,
  });
}
