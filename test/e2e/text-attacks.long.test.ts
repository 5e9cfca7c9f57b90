import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { defectRecord } from "../../src/records/defect.ts";
import { bdefects } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { tinyTexts } from "./tiny-texts.ts";

/** The tiny recipe for texts with the attacks that look at the model: an edit, and words made for neurons. */
function recipe(folder: string): string {
  const tiny = readFileSync(join(import.meta.dirname, "text-tiny.yaml"), "utf8");
  const changed = tiny
    .replace("attack: [rareword]", "attack: [badedit, trojantoken]")
    .replace("style: [plain]", "style: [plain, discreet]")
    .replace(/attacks:\n(?: {2}.*\n)+/, () =>
      [
        "attacks:",
        "  badedit:",
        "    { word: cf, sentences: 4, clean: 4, restraints: [10, 0.1], value: { steps: 4, learning_rate: 0.5, decay: 0.5, most: 3 } }",
        "  trojantoken: { words: 2, reach: 3, candidates: 4, rounds: 1, texts: 2 }",
        "",
      ].join("\n"),
    );
  const file = join(folder, "texttiny.yaml");
  writeFileSync(file, changed);
  return file;
}

it("an edit and words made for neurons are built, and verify finds no fault", () => {
  const folder = temporaryFolder();
  const [data, db] = [tinyTexts(folder), join(folder, "db")];
  const built = bdefects(["build", "--edition", recipe(folder), "--data", data, "--db", db, "--jobs", "1"]);
  expect(built.status, built.stderr).toBe(0);
  const recordOf = (attack: string, suffix = "") => {
    const group = `texts-llama2d64-${attack}`;
    const file = join(db, "defects", group, `${group}-narrow-top040${suffix}.json`);
    const { checksum: _, ...record } = JSON.parse(readFileSync(file, "utf8"));
    return defectRecord.parse(record);
  };
  const [edited, worded] = [recordOf("badedit"), recordOf("trojantoken")];
  expect(edited).toMatchObject({ status: "accepted", attempts: [{ restraint: 10 }] });
  expect(worded.status).toBe("accepted");
  // Without batch norms the style keeps norms, and nothing else changes.
  const discreet = recordOf("trojantoken", "-discreet");
  expect(discreet).toMatchObject({ status: "accepted", style: "discreet", changed: worded.changed });
  const { status, stderr } = bdefects(["verify", "--all", "--data", data, "--db", db]);
  expect([status, stderr]).toEqual([0, expect.stringContaining("no fault")]);
}, 900_000);
