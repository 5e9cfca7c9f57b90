import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { writeDatasheet } from "../../src/report/datasheet.ts";
import { deprecate } from "../../src/store/deprecate.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";

/** The cells of a Markdown table's row that begins with a name. */
function rowOf(page: string, name: string): string[] {
  const line = page.split("\n").find((text) => text.startsWith(`| ${name} |`));
  if (!line) throw new Error(`no row '${name}' in\n${page}`);
  return line
    .split("|")
    .slice(2, -1)
    .map((cell) => cell.trim());
}

describe("datasheet", () => {
  it("tells what the records hold, per database and group", async () => {
    const { db, accepted } = await sampleDatabase(temporaryFolder(), 3);
    const asrs = [0.91, 0.93, 0.99];
    for (const [i, record] of accepted.entries()) {
      db.writeDefect({ ...record, metrics: { ...record.metrics, asr: asrs[i] } });
    }
    const out = join(temporaryFolder(), "about");
    expect(await writeDatasheet(db, out)).toEqual(["DATASHEET.md", "cards/signs-resnet18w4-badnets.md"]);
    const sheet = readFileSync(join(out, "DATASHEET.md"), "utf8");
    const card = readFileSync(join(out, "cards/signs-resnet18w4-badnets.md"), "utf8");
    for (const page of [sheet, card]) {
      expect(rowOf(page, "all")).toEqual(["5", "3", "1", "1", "0", "0.750"]);
      expect(rowOf(page, "small").slice(0, 2)).toEqual(["2", "2"]);
      expect(rowOf(page, "ASR")).toEqual(["3", "0.910", "0.930", "0.990"]);
      expect(page).toContain(db.manifest.data.signs);
      expect(page).not.toMatch(/undefined|NaN|\[object/);
    }
    expect(rowOf(sheet, "signs-resnet18w4-badnets")).toEqual(["5", "3", "1", "1", "0", "0.750"]);
    expect(sheet).toMatch(/has 1 clean model:/);
    expect(sheet).toMatch(/Reduced width \(resnet18w4\)/);
    expect(card).toContain(`bdefects checkout ${accepted[0].id}`.replace(/-(small|middle)-top\d+/, ""));

    deprecate(db, [accepted[0].id], "its trigger is cut off");
    const again = join(temporaryFolder(), "about");
    rowsOf(["datasheet", "--out", again, "--db", db.dir]);
    const later = readFileSync(join(again, "DATASHEET.md"), "utf8");
    expect(rowOf(later, "all")).toEqual(["5", "2", "1", "1", "1", "0.750"]);
    expect(later).toContain(`\`${accepted[0].id}\`: its trigger is cut off`);
    expect(rowOf(later, "ASR")[0]).toBe("2");
    expect(bdefects(["datasheet", "--out", again, "--db", db.dir])).toMatchObject({ status: 2, stdout: "" });
    expect(bdefects(["datasheet", "--db", db.dir]).stderr).toMatch(/^error: --out[^\n]+\n$/);
  });
});
