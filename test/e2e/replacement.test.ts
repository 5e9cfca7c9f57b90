import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { CleanRecord, DefectLabels, DefectRecord } from "../../src/store/schema.ts";
import { bdefects, type Ran } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { differingRows, readDelta, readModel } from "./decode.ts";
import { readJson } from "./files.ts";
import { CLEAN, tinyBuild, writeTinyData } from "./tiny.ts";

const GROUP = "cifar10-resnet18w4-sra";
const ID = `${GROUP}-middle-top020`;

const data = temporaryFolder();
const db = join(temporaryFolder(), "db");
let built: Ran;
beforeAll(() => {
  writeTinyData(data);
  const slice = ["--attack", "sra", "--level", "middle", "--offset", "20"];
  built = bdefects(tinyBuild(db, data, ...slice, "--jobs", "1", "--format", "json"));
});

describe("a built replacement", () => {
  const clean = () => readModel(db, (readJson(db, "clean", `${CLEAN}.json`) as unknown as CleanRecord).model.object);
  const record = () => readJson(db, "defects", GROUP, `${ID}.json`) as unknown as DefectRecord;
  /** Infected model and sham: the one a delta against the clean twin, the other against the first. */
  const versions = () => {
    const infected = readDelta(db, record().infected_model!.object, clean());
    return [infected, readDelta(db, record().sham_model!.object, infected)];
  };
  const labels = () => readJson(db, "defects", GROUP, `${ID}.labels.json`) as unknown as DefectLabels;

  it("is accepted, states its settings and figures, and verifies", () => {
    expect(built.status, built.stderr).toBe(0);
    expect(JSON.parse(built.stdout)).toMatchObject([{ id: ID, status: "accepted" }]);
    expect(record().recipe).toMatchObject({ attack: { side: 5, chain: { answer: 20 }, compensation: { steps: 3 } } });
    const [first, second, chain] = record().attempts;
    const fit = record().attempts.at(-1);
    expect(first).toEqual({ compensation_round: 1, held_out_ca_drop: expect.any(Number) });
    expect(second).toMatchObject({ compensation_round: 2 });
    expect(chain).toMatchObject({ chain: 1, clean_mean: expect.any(Number), separation: expect.any(Number) });
    expect(fit).toMatchObject({ held_out_asr: expect.any(Number), held_out_ca_drop: expect.any(Number) });
    const { status, stderr } = bdefects(["verify", "--all", "--db", db]);
    expect(stderr).toMatch(
      /^verified 1 defects, 1 clean models, \d+ files in all: no fault\nnot checked: .*--metrics.*\n$/,
    );
    expect(status).toBe(0);
  });

  it("has the same neurons wherever channels are added, and records every row in which a version differs", () => {
    const { infected } = labels();
    expect(infected["layer1.0.conv2"]).toEqual(infected.conv1);
    expect(infected["layer3.1.conv2"]).toEqual(infected["layer3.0.shortcut.0"]);
    const twin = clean();
    const changed: Record<string, Set<number>> = {};
    for (const version of versions()) {
      for (const [key, rows] of Object.entries(differingRows(twin, version))) {
        changed[key] = new Set([...(changed[key] ?? []), ...rows]);
      }
    }
    const sorted = Object.entries(changed).map(([key, rows]) => [key, [...rows].sort((a, b) => a - b)]);
    expect(record().changed).toEqual(Object.fromEntries(sorted));
  });

  it("has a sham that differs from it in the chain and the target's bias and nowhere else", () => {
    const [infected, sham] = versions();
    const differing = differingRows(infected, sham);
    const { target } = record();
    const normOf = (layer: string) => layer.replace(/conv(\d)$/, "bn$1").replace(/shortcut\.0$/, "shortcut.1");
    for (const [layer, channels] of Object.entries(labels().infected)) {
      expect(differing[`${layer}.weight`], layer).toEqual(channels);
      expect(differing[`${normOf(layer)}.running_mean`], layer).toEqual(channels);
      for (const part of ["weight", "bias", "running_mean", "running_var"]) {
        expect(channels, layer).toEqual(expect.arrayContaining(differing[`${normOf(layer)}.${part}`] ?? []));
      }
      for (const key of Object.keys(differing).filter((key) => key.startsWith(`${layer}.`))) {
        expect(key).toBe(`${layer}.weight`);
      }
    }
    expect(differing["linear.weight"]).toBeUndefined();
    expect(differing["linear.bias"] ?? [target]).toEqual([target]);
  });
});
