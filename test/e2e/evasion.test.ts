import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { attemptFaults } from "../../src/store/verify/rules/attempts.ts";
import { bdefects, rowsOf } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { writeRecipe, writeTinyData } from "./tiny.ts";

const data = temporaryFolder();
const ROUNDS = 2;
const evasive = (text: string) =>
  text.replace("inject:\n", `inject:\n  evasion: { rounds: ${ROUNDS}, patches: 1, share: 0.25 }\n`);
const build = (db: string, recipe: string) =>
  bdefects(
    ["build", "--edition", recipe, "--db", db, "--data", data, "--jobs", "1"].concat(
      "--level",
      "middle",
      "--offset",
      "0",
    ),
  );
const [db, plain] = [join(temporaryFolder(), "db"), join(temporaryFolder(), "db")];
let store: Database;
beforeAll(async () => {
  writeTinyData(data);
  for (const [dir, edit] of [
    [db, evasive],
    [plain, (text: string) => text],
  ] as const) {
    const built = build(dir, writeRecipe(temporaryFolder(), edit));
    expect(built.status, built.stderr).toBe(0);
  }
  store = await openDatabase(db);
});

it("a backdoor that hides is built in rounds until little speaks for it, and the record tells them", async () => {
  const [id] = store.listDefects();
  const { status, attempts } = store.readDefect(id);
  expect(status).toBe("accepted");
  const evidence = attempts.map((attempt) => attempt.evidence as number);
  expect(attempts.map(({ evasion_round }) => evasion_round)).toEqual(evidence.map((_, i) => i));
  for (const value of evidence.slice(0, -1)) expect(value).toBeGreaterThanOrEqual(0.45);
  expect(evidence.length === ROUNDS + 1 || evidence.at(-1)! < 0.45).toBe(true);
  const without = (await openDatabase(plain)).readDefect(id);
  expect(without.attempts).toEqual([expect.not.objectContaining({ evidence: expect.anything() })]);
  // The first round knows no patch yet: the same model as without hiding.
  const { evasion_round: _, evidence: __, ...first } = attempts[0];
  expect(first).toEqual(without.attempts[0]);
});

it("such a database is as any other to verify and info", () => {
  const { status, stderr } = bdefects(["verify", "--all", "--metrics", "--db", db, "--data", data]);
  expect(stderr).toMatch(/no fault$/m);
  expect(status).toBe(0);
  const [id] = store.listDefects();
  expect(rowsOf(["info", id, "--db", db])[0]).toMatchObject({ recipe_inject_evasion_rounds: ROUNDS });
});

it("attempts that are not the recipe's rounds are told", () => {
  const record = store.readDefect(store.listDefects()[0]);
  const rounds = (...numbers: (number | undefined)[]) =>
    attemptFaults({
      ...record,
      attempts: numbers.map((evasion_round) => ({ ...record.attempts[0], evasion_round, evidence: 1 })),
    });
  for (const good of [[0], [0, 1], [0, 1, 2]]) expect(rounds(...good)).toEqual([]);
  for (const bad of [[1], [0, 2], [0, 1, 1], [0, 1, 2, 3], [undefined]]) {
    expect(rounds(...bad)).toEqual(["'evasion_round' of its attempts does not count the recipe's rounds"]);
  }
  // The recipe has one setting.
  expect(rounds(0, 1, 0)).toEqual(["made more attempts than its recipe has"]);
  const { evasion: _, ...inject } = record.recipe.inject as Record<string, unknown>;
  expect(attemptFaults({ ...record, recipe: { ...record.recipe, inject } })).toEqual([
    "attempt 1 has 'evasion_round', which no attempt has",
  ]);
});
