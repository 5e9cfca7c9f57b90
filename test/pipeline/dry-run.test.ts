import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bdefects } from "../cli/program.ts";
import { treeOf } from "../e2e/files.ts";
import { TINY, tinyBuild, writeRecipe, writeTinyData } from "../e2e/tiny.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";

const root = temporaryFolder();
const data = writeTinyData(join(root, "data"));
const none = join(root, "none");

/** Arguments with the tiny recipe changed. */
function changed(change: (text: string) => string, ...more: string[]): string[] {
  return ["build", "--edition", writeRecipe(temporaryFolder(), change), "--db", none, "--data", data, ...more];
}

const other = join(root, "other");
const cut = join(root, "cut");
beforeAll(async () => {
  await sampleDatabase(other, 1);
  appendFileSync(join(writeTinyData(cut), "cifar-10-batches-bin", "data_batch_1.bin"), "x");
  mkdirSync(join(root, "photos"));
  writeFileSync(join(root, "photos", "me.png"), "");
  writeFileSync(join(root, "file"), "");
});

const REFUSED: [what: string, args: () => string[]][] = [
  [
    "an attack whose section is missing",
    () => changed((text) => text.replace(/^ {2}trojan: .*\n/m, ""), "--attack", "trojan"),
  ],
  ["an unknown attack", () => tinyBuild(none, data, "--attack", "nope")],
  ["an unknown architecture", () => tinyBuild(none, data, "--arch", "resnet19")],
  ["an unknown data set", () => tinyBuild(none, data, "--dataset", "mnist")],
  ["an unknown edition", () => ["build", "--edition", "nope", "--db", none, "--data", data]],
  ["steps beyond the memory", () => changed((text) => text.replace(/batch: \d+/g, "batch: 90000000"))],
  ["a target that is no class", () => changed((text) => text.replace(/target: \d+/, "target: 10"))],
  ["more images than there are", () => changed((text) => text.replace(/images: \d+/, "images: 5000"))],
  ["damaged data", () => tinyBuild(none, cut)],
  ["a database of another edition", () => tinyBuild(other, data)],
  ["the shipped sample", () => tinyBuild("sample", data)],
  ["a folder of other things", () => tinyBuild(join(root, "photos"), data)],
  ["a file for a folder", () => tinyBuild(join(root, "file"), data)],
  ["a folder below a file", () => tinyBuild(join(root, "file", "db"), data)],
  ["a shard that is none", () => tinyBuild(none, data, "--shard-index", "3", "--shard-count", "2")],
  ["an unknown device", () => tinyBuild(none, data, "--device", "tpu")],
];

describe("build --dry-run", () => {
  it.each(REFUSED)("refuses %s as the build does, and changes nothing", (_, argsOf) => {
    const args = argsOf();
    const before = treeOf(root);
    const built = bdefects(args);
    expect(built.stderr).toMatch(/^error: [^\n]+\n$/);
    expect(bdefects([...args, "--dry-run"])).toEqual({ status: 2, stdout: "", stderr: built.stderr });
    expect(built.status).toBe(2);
    expect(treeOf(root)).toEqual(before);
  });

  it("says what the build would say of data that are not there, below the hours", () => {
    const args = ["build", "--edition", TINY, "--db", none, "--data", join(root, "nothing")];
    const { stderr } = bdefects(args);
    const dry = bdefects([...args, "--dry-run", "--format", "json"]);
    expect(dry.status).toBe(2);
    expect(JSON.parse(dry.stdout)).toHaveLength(6);
    expect(dry.stderr.endsWith(`\n${stderr}`), dry.stderr).toBe(true);
  });
});
