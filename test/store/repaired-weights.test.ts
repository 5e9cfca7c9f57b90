import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { listNeurons } from "../../src/core/neurons.ts";
import type { RepairFile } from "../../src/records/repair.ts";
import { Results } from "../../src/store/results/results.ts";
import { exportDefects } from "../../src/store/transfer/export.ts";
import { importExport } from "../../src/store/transfer/import.ts";
import { findOrphans, pruneOrphans } from "../../src/store/verify/orphans.ts";
import { verifyDatabase } from "../../src/store/verify/verify.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { encodeState } from "../../src/tensor/safetensors.ts";
import { bdefects } from "../cli/program.ts";
import { randomState, type SampleDatabase, sampleDatabase } from "./fixture.ts";
import { temporaryFolder } from "./temp.ts";

const repaired = randomState(buildNetwork("resnet18w4", 10), 7);
let sample: SampleDatabase;
let repair: RepairFile;
let results: Results;
const pathOf = (method: string) => join(sample.dir, "results", "repair", method, "oracle", `${repair.id}.safetensors`);

beforeEach(async () => {
  sample = await sampleDatabase(temporaryFolder(), 1);
  const [{ id, infected_model }] = sample.accepted;
  repair = {
    kind: "repair",
    id,
    method: "prune",
    using: "oracle",
    seed: 1,
    budget: "short",
    model_sha256: infected_model!.decoded_sha256,
    neurons: listNeurons(sample.db.readLabels(id).infected),
    ca_before: 0.88,
    ca_after: 0.8,
    asr_before: 0.99,
    asr_after: 0.1,
    seconds: 1,
  };
  results = new Results(sample.db, "short", true);
  results.saveRepair(repair, repaired);
});

const findingsOf = async () => (await verifyDatabase(sample.db, sample.db.listDefects(), true)).findings;

describe("repaired weights", () => {
  it("lie beside the result that states their hash, and are verified", async () => {
    expect(await findingsOf()).toEqual([]);
    expect(results.hasWeights(results.repair("prune", "oracle", repair.id)!)).toBe(true);
    expect(readFileSync(pathOf("prune"))).toEqual(Buffer.from(encodeState(repaired)));
    writeFileSync(pathOf("prune"), readFileSync(pathOf("prune")).fill(1, 5000, 5001));
    expect(await findingsOf()).toMatchObject([{ severity: "fault", finding: expect.stringMatching(/^damaged/) }]);
    rmSync(pathOf("prune"));
    expect(await findingsOf()).toMatchObject([{ severity: "fault", finding: expect.stringMatching(/there is no/) }]);
  });

  it("are a fault where they are of another network, whatever their hash", async () => {
    results.saveRepair(repair, randomState(buildNetwork("resnet18w8", 10), 7));
    const [finding] = await findingsOf();
    expect(finding).toMatchObject({ severity: "fault", finding: expect.stringMatching(/no weights of a resnet18w4/) });
  });

  it("go when the result is written without them", async () => {
    new Results(sample.db, "short").saveRepair(repair, repaired);
    expect(existsSync(pathOf("prune"))).toBe(false);
    expect(await findingsOf()).toEqual([]);
  });

  it("that a kill left without their result are noted and pruned, those of one name in two folders too", async () => {
    for (const method of ["finetune", "finetune-reinit"]) {
      sample.db.writeWeights(`repair/${method}/oracle/${repair.id}`, encodeState(repaired));
    }
    const left = ["finetune", "finetune-reinit"].map(pathOf).sort();
    expect(await findingsOf()).toMatchObject([{ severity: "note" }, { severity: "note" }]);
    expect(findOrphans(sample.db)).toEqual(left);
    expect(pruneOrphans(sample.db)).toEqual(left);
    expect(existsSync(pathOf("prune"))).toBe(true);
    expect(await findingsOf()).toEqual([]);
    expect(bdefects(["verify", "--all", "--prune", "--db", sample.dir]).status).toBe(0);
  });

  it("travel with the results, by folder and by archive", async () => {
    sample.db.writeWeights(`repair/finetune/oracle/${repair.id}`, encodeState(repaired));
    for (const name of ["folder", "archive.tar.gz"]) {
      const [out, target] = [join(temporaryFolder(), name), join(temporaryFolder(), "db")];
      await exportDefects(sample.db, { ids: [repair.id], out, results: true });
      await importExport(target, out);
      const place = ["results", "repair", "prune", "oracle", `${repair.id}.safetensors`];
      expect(readFileSync(join(target, ...place))).toEqual(readFileSync(pathOf("prune")));
      expect(existsSync(join(target, "results", "repair", "finetune"))).toBe(false);
      expect(bdefects(["verify", "--all", "--db", target]).status).toBe(0);
    }
    writeFileSync(pathOf("prune"), "other bytes");
    const request = { ids: [repair.id], out: join(temporaryFolder(), "x"), results: true };
    await expect(exportDefects(sample.db, request)).rejects.toThrow(/\.safetensors: damaged/);
  });
});
