import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects } from "./program.ts";

it("results that go elsewhere leave the database's folder as it is: it may be somebody else's", () => {
  const folder = temporaryFolder();
  const [db, carried] = ["db", "carried"].map((name) => join(folder, name));
  for (const made of [
    ["export", "gtsrb-vgg13w8-badnets", "--db", "sample", "--out", carried],
    ["import", carried, "--db", db],
  ]) {
    const { status, stderr } = bdefects(made);
    expect(status, stderr).toBe(0);
  }
  // As a database comes that was never judged in.
  for (const part of ["results", "claims", "tmp"]) rmSync(join(db, part), { recursive: true, force: true });
  const before = readdirSync(db, { recursive: true }).sort();
  const ran = bdefects(["localize", "--criterion", "clp", "--db", db, "--out", join(folder, "results")]);
  expect(ran.status, ran.stderr).toBe(0);
  expect(readdirSync(db, { recursive: true }).sort()).toEqual(before);
});
