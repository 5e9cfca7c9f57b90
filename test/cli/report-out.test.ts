import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects } from "./program.ts";

it("report --out refuses a file where a folder goes, and makes none of its name", () => {
  const page = join(temporaryFolder(), "mine.html");
  const named = bdefects(["report", "--out", page, "--db", "sample"]);
  expect([named.status, existsSync(page)]).toEqual([2, false]);
  expect(named.stderr).toMatch(/^error: --out .*mine\.html: name a folder; the page itself is report\.html/);
  const file = join(temporaryFolder(), "tables");
  writeFileSync(file, "mine");
  expect(bdefects(["report", "--out", file, "--db", "sample"]).stderr).toMatch(/tables: name a folder/);
});
