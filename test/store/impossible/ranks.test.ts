import { beforeAll, describe, expect, it } from "vitest";
import { LEVELS, OFFSETS } from "../../../src/core/ids.ts";
import { Random } from "../../../src/core/random.ts";
import { neuronLayers } from "../../../src/graph/network.ts";
import { chooseSubnetwork } from "../../../src/inject/quantity.ts";
import { type Database, openDatabase } from "../../../src/store/database.ts";
import { Ranks } from "../../../src/store/verify/rules/ranks.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";

/** Every level and offset of one random order, as records tell them. */
function candidates(arch: string, seed: number) {
  const random = new Random(seed);
  const layers = neuronLayers(buildNetwork(arch, 10));
  const order = Object.fromEntries(layers.map(({ name, width }) => [name, [...random.permutation(width)]]));
  return LEVELS.flatMap((level) =>
    OFFSETS.map((top) => ({
      record: { id: `${level}-${top}`, arch, clean: "clean/x", attack: "badnets", level, top },
      infected: chooseSubnetwork(order, level, top),
    })),
  );
}

describe("infected neurons that are ranks of one order", () => {
  it.each(["resnet18w4", "vgg13w8", "googlenetw8"])("pass at every level and offset: %s", (arch) => {
    const ranks = new Ranks();
    expect(candidates(arch, 3).flatMap(({ record, infected }) => ranks.faults(record, infected))).toEqual([]);
  });

  it("of another clean model, or of another way of injecting, are of another order", () => {
    const ranks = new Ranks();
    const [mine, others] = [candidates("resnet18w8", 1)[20], candidates("resnet18w8", 2)[20]];
    expect(ranks.faults(mine.record, mine.infected)).toEqual([]);
    const told = (change: object) => ranks.faults({ ...others.record, id: "other", ...change }, others.infected);
    expect(told({ clean: "clean/y" })).toEqual([]);
    expect(told({ attack: "sra" })).toEqual([]);
    expect(told({})[0]).toMatch(/its infected neurons and those of 'middle-10' cannot both have the ranks/);
  });
});

describe("the sample's defects", () => {
  let db: Database;
  beforeAll(async () => {
    db = await openDatabase("sample", { readOnly: true });
  });
  const accepted = () =>
    db
      .listDefects()
      .map((id) => db.readDefect(id))
      .filter(({ status }) => status === "accepted")
      .map((record) => ({ record, infected: db.readLabels(record.id).infected }));

  // Those that stay are 96 of SRA, of which each clean model has one defect, and 34 that share as many neurons either way.
  it("are found under another offset in 550 of 680 cases", () => {
    const all = accepted();
    let [tried, found] = [0, 0];
    for (const { record, infected } of all) {
      const siblings = all.filter((one) => one.record.clean === record.clean && one.record.id !== record.id);
      for (const top of OFFSETS.filter((offset) => offset !== record.top)) {
        const ranks = new Ranks();
        for (const one of siblings) ranks.faults(one.record, one.infected);
        tried++;
        if (ranks.faults({ ...record, id: "moved", top }, infected).length > 0) found++;
      }
    }
    expect([found, tried]).toEqual([550, 680]);
  });
});
