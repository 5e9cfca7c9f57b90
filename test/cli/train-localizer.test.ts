import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { localizerFile } from "../../src/records/localizer.ts";
import { openDatabase } from "../../src/store/database.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const IDS = idsOf("cifar10");
const SECOND = "clean/cifar10-resnet18w4-s2";

let data: string;
let db: string;
let common: string[];

beforeAll(async () => {
  data = writeTinyData(temporaryFolder());
  db = await makeDatabase("cifar10", data);
  common = ["--db", db, "--data", data, "--budget", "demo"];
});

/** The second defect comes of another clean model from now on. */
async function withTwoCleanModels(): Promise<void> {
  const database = await openDatabase(db);
  const record = database.readDefect(IDS[1]);
  database.writeClean({ ...database.readClean(record.clean), id: SECOND });
  database.writeDefect({ ...record, clean: SECOND }, database.readLabels(IDS[1]));
}

describe("train-localizer", () => {
  it("refuses what it cannot leave out, and writes nothing", () => {
    const out = join(temporaryFolder(), "l");
    const refusals: [string[], RegExp][] = [
      [[...IDS], /^error: --out: name a folder/],
      [[...IDS, "--out", out], /^error: the selected defects come of one clean model/],
      [["nope", "--out", out], /^error: no defect or group 'nope'/],
      [[`${IDS[0]}:sham`, "--out", out], /^error: .*infected models and shams go together; drop the suffix/],
    ];
    for (const [args, message] of refusals) {
      const { status, stderr } = bdefects(["train-localizer", ...args, ...common]);
      expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
      expect(stderr).not.toMatch(/\n./);
    }
    expect(existsSync(out)).toBe(false);
  });

  longIt(
    "trains, judges each model by weights that never saw its clean model, and gives the same again from what it kept",
    async () => {
      await withTwoCleanModels();
      const out = join(temporaryFolder(), "l");
      const train = () => rowsOf(["train-localizer", "--out", out, ...common]);
      const rows = train();
      const path = join(out, "localizer.json");
      const first = readFileSync(path, "utf8");
      const localizer = localizerFile.parse(JSON.parse(first));
      expect(localizer.variants.map(({ without }) => without)).toEqual([
        null,
        { by: "clean", value: "clean/cifar10-resnet18w4-s1" },
        { by: "clean", value: SECOND },
      ]);
      expect([localizer.models, localizer.features.length > 40]).toEqual([4, true]);
      expect(rows.map(({ without, truth, gated, defects }) => [without, truth, gated, defects])).toEqual([
        ["clean", "effective", false, 2],
        ["clean", "effective", true, 2],
        ["clean", "full", false, 2],
        ["clean", "full", true, 2],
      ]);

      const again = bdefects(["train-localizer", "--out", out, ...common]);
      expect([again.status, again.stderr]).toEqual([
        2,
        expect.stringMatching(/^error: .*exists already; name another/),
      ]);
      // One feature file lost, as by a kill: it is measured again.
      rmSync(path);
      const features = join(out, "features");
      rmSync(join(features, readdirSync(features)[0]));
      expect(train()).toEqual(rows);
      expect(readFileSync(path, "utf8")).toBe(first);

      // A folder of somebody else's is not written into.
      const other = join(temporaryFolder(), "o");
      mkdirSync(other);
      writeFileSync(join(other, "localizer.json"), "mine");
      expect(bdefects(["train-localizer", "--out", other, ...common]).status).toBe(2);
      expect(readFileSync(join(other, "localizer.json"), "utf8")).toBe("mine");
    },
  );
});
