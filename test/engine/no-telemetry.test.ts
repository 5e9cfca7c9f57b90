import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { spawned } from "../cli/program.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { temporaryFolder } from "../store/temp.ts";

it("the runtime leaves nothing in the user's folders", async () => {
  const root = temporaryFolder();
  const data = writeTinyData(root);
  const db = await makeDatabase("cifar10", data);
  const folders = ["home", "cache", "tmp"].map((name) => join(root, name));
  for (const folder of folders) mkdirSync(folder);
  const [HOME, XDG_CACHE_HOME, TMPDIR] = folders;
  // What this process was told would hide what the program does by itself.
  delete process.env.ORT_DISABLE_TELEMETRY;
  const args = ["localize", idsOf("cifar10")[0], "--criterion", "fp", "--db", db, "--data", data];
  const ran = spawned([...args, "--budget", "demo"], { HOME, XDG_CACHE_HOME, TMPDIR });
  expect(ran.status, ran.stderr).toBe(0);
  expect(folders.map((folder) => readdirSync(folder))).toEqual([[], [], []]);
});
