import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { stampSet } from "../../src/images/trigger/stamp.ts";
import type { PaintedTrigger } from "../../src/images/trigger/trigger.ts";
import type { DefectRecord } from "../../src/records/defect.ts";
import { chosenInputs } from "../../src/tasks/classification/attacks/trojan.ts";
import { readCheckout } from "../attacks/checked-out.ts";
import { featuresOf } from "../attacks/features.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { LONG } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { readJson } from "./files.ts";
import { tinyBuild, writeTinyData } from "./tiny.ts";

const LEVELS = LONG ? ["narrow", "middle"] : ["narrow"];
const data = temporaryFolder();
const db = join(temporaryFolder(), "db");
let rows: Record<string, unknown>[];
beforeAll(() => {
  writeTinyData(data);
  rows = rowsOf(tinyBuild(db, data, "--attack", "blended,trojan", "--level", LEVELS.join(","), "--offset", "0"));
});

const recordOf = (id: string) =>
  readJson(db, "defects", id.replace(/-(narrow|middle)-.*/, ""), `${id}.json`) as unknown as DefectRecord;
const idsOf = (attack: string) => rows.flatMap((row) => (row.attack === attack ? [row.id as string] : []));

describe("a build of other attacks than BadNets", () => {
  it("accepts and verifies them", () => {
    expect(rows.map(({ status }) => status)).toEqual(Array(2 * LEVELS.length).fill("accepted"));
    expect(bdefects(["verify", "--all", "--db", db])).toMatchObject({ status: 0 });
  });

  it("stores Blended's one trigger for all, TrojanNN's for each, and the attack's settings", () => {
    const triggers = (attack: string) => new Set(idsOf(attack).map((id) => recordOf(id).trigger!.object)).size;
    expect([triggers("blended"), triggers("trojan")]).toEqual([1, LEVELS.length]);
    expect(recordOf(idsOf("blended")[0]).recipe.attack).toEqual({ opacity: 0.2 });
    expect(recordOf(idsOf("trojan")[0]).recipe.attack).toMatchObject({ side: 6, value: 100, neurons: 10 });
  });
});

describe("a checked-out TrojanNN trigger", () => {
  it.each(LEVELS.map((_, which) => which))(
    "raises its neurons above any of 20 random patterns, on the black ground that it was made on (candidate %i)",
    async (which) => {
      const out = join(temporaryFolder(), "out");
      rowsOf(["checkout", idsOf("trojan")[which], out, "--db", db]);
      const { victim, trigger } = readCheckout(out, "clean");
      const inputs = chosenInputs(victim.network, victim.state, victim.infected, 10);
      expect(inputs).toHaveLength([1, 3][which]);
      const activation = async (images: ImageSet, stamp?: PaintedTrigger) => {
        const features = await featuresOf(victim, stamp ? stampSet(stamp, images) : images);
        return features.reduce((sum, row) => sum + inputs.reduce((all, i) => all + row[i], 0), 0) / images.count;
      };
      const black = { count: 1, height: 32, width: 32, pixels: new Uint8Array(3 * 32 * 32), labels: new Uint8Array(1) };
      // Nothing may beat black itself on this small model, so the measure is what paint without aim does.
      const random = new Random(1);
      const painted = await activation(black, trigger);
      for (let i = 0; i < 20; i++) {
        const noise = { ...trigger, pattern: trigger.pattern.map(() => random.below(256)) };
        expect(painted).toBeGreaterThan(await activation(black, noise));
      }
    },
  );
});
