import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { SHIPPED_BOARD } from "../../src/pipeline/board/entry.ts";
import { temporaryFolder } from "../store/temp.ts";
import { spawned } from "./program.ts";

// Criteria that read weights alone, and so need no data.
it.each(["random", "weight-norm"])("%s, judged anew on the sample, gives the shipped entry's cells", (name) => {
  const root = temporaryFolder();
  const path = join(root, "board", "entries", `${name}.json`);
  mkdirSync(join(root, "board", "entries"), { recursive: true });
  const shipped = JSON.parse(readFileSync(join(SHIPPED_BOARD, "entries", `${name}.json`), "utf8"));
  writeFileSync(path, JSON.stringify({ ...shipped, results: [] }));
  const run = () => spawned(["board", "run", path, "--out", join(root, "out"), "--format", "json"]);
  const { status, stdout, stderr } = run();
  expect(status, stderr).toBe(0);
  const [mine] = JSON.parse(readFileSync(path, "utf8")).results;
  const theirs = shipped.results.find(({ benchmark }: { benchmark: string }) => benchmark === "sample");
  expect(mine.benchmark_sha256).toBe(theirs.benchmark_sha256);
  expect(mine.reused).toBe(0);
  const values = (result: typeof mine) =>
    result.cells.map(({ id, infected, sham }: typeof mine) => [id, infected.wji, infected.named, sham.wji, sham.auroc]);
  expect(values(mine)).toEqual(values(theirs));
  expect(mine.figures).toEqual(theirs.figures);
  expect(JSON.parse(stdout)[0]).toMatchObject({ entry: name, difference: theirs.figures[0].difference.value });
  // Again: nothing is left to judge.
  expect(run().stderr).toContain("170 cells, of which 170 are finished");
  expect(spawned(["board", "check", join(root, "board")]).status).toBe(0);
});
