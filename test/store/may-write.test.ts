import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createdAt, createdWords } from "../../src/records/database.ts";
import { openDatabase } from "../../src/store/database.ts";
import { assertMayWrite } from "../../src/store/disk/fs.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { treeOf } from "../e2e/files.ts";
import { sampleDatabase } from "./fixture.ts";
import { temporaryFolder } from "./temp.ts";

const folder = temporaryFolder();

it("a folder that cannot be is told before it is made", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => assertMayWrite(join(folder, "file", "below", "more"))).toThrow(/file: is a file, not a folder; name a/);
  expect(() => assertMayWrite(join(folder, "new", "newer"))).not.toThrow();
  expect(Object.keys(treeOf(folder))).toEqual(["file"]);
});

// Nothing is forbidden to root.
it.skipIf(process.getuid?.() === 0)("reindex of a database that cannot be written says so in one line", async () => {
  const dir = join(folder, "db");
  await sampleDatabase(dir, 1);
  mkdirSync(join(dir, "tmp"), { recursive: true });
  chmodSync(join(dir, "tmp"), 0o500);
  const { status, stdout, stderr } = bdefects(["reindex", "--db", dir]);
  chmodSync(join(dir, "tmp"), 0o700);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(/^error: [^\n]*tmp: permission denied; change the permissions or name another folder\n$/);
});

it("the hour of a database from archives is unknown, not 1970", async () => {
  const dir = join(folder, "archived");
  await openDatabase(dir, { create: { edition: "lanes", seed: 1, data: {} } });
  expect(rowsOf(["info", "--db", dir])[0].created).toMatch(/^20/);
  expect(bdefects(["info", "--db", dir]).stdout).toMatch(/seed 1, created 20\d\d-/);
  const epoch = { created: new Date(0).toISOString() };
  expect([createdAt(epoch), createdWords(epoch)]).toEqual([null, ""]);
});
