import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { bdefects, rowsOf, spawned } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { Builder, childrenOf, isRunning } from "./builder.ts";
import { decidedBy, factsOf, readJson } from "./files.ts";
import { CLEAN, tinyBuild, writeTinyData } from "./tiny.ts";

const SLICE = ["--level", "narrow,small", "--jobs", "2"];
/** A build takes seconds; a machine that does much else at once may take long over several of them. */
const TIMEOUT = 300_000;
/** The purpose byte of a checkpoint's object. */
const CHECKPOINT = 2;

const data = temporaryFolder();
const undisturbed = join(temporaryFolder(), "db");
let expected: Record<string, unknown>;
let milliseconds: number;
let ids: string[];
beforeAll(() => {
  writeTinyData(data);
  const began = performance.now();
  ids = rowsOf(tinyBuild(undisturbed, data, ...SLICE)).map(({ id }) => id as string);
  milliseconds = performance.now() - began;
  expected = decidedBy(undisturbed);
});

const newDatabase = () => join(temporaryFolder(), "db");
const has = (db: string, ...path: string[]) => existsSync(join(db, ...path));
const filesIn = (db: string, folder: string) => (has(db, folder) ? readdirSync(join(db, folder)) : []);
const checkpointOf = (db: string) => join(db, "clean", `${CLEAN}.checkpoint.json`);

/** The pids that hold a claim whose name begins so. */
function holders(db: string, name: string): number[] {
  return filesIn(db, "claims")
    .filter((file) => file.startsWith(name))
    .flatMap((file) => {
      const claim = readClaim(join(db, "claims", file));
      return claim && !claim.released ? [claim.pid] : [];
    });
}

function readClaim(path: string): { pid: number; released: boolean } | null {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    // Just replaced by its next generation.
    return null;
  }
}

function expectSound(db: string): void {
  const { status, stdout, stderr } = bdefects(["verify", "--all", "--db", db]);
  expect(status, stdout + stderr).toBe(0);
}

/** Whatever happened: every record once, and the same bytes as if nothing had. */
function expectAsUndisturbed(db: string): void {
  expectSound(db);
  const built = decidedBy(db);
  for (const file of Object.keys(built)) if (!(file in expected) && isCheckpointObject(db, file)) delete built[file];
  expect(built).toEqual(expected);
  const journal = readFileSync(join(db, "journal.jsonl"), "utf8").trim().split("\n");
  const written = journal.map((line) => JSON.parse(line).id as string);
  expect(new Set(written).size).toBe(written.length);
}

/** A kill between two files may leave a checkpoint's weights behind; verify notes them. */
function isCheckpointObject(db: string, file: string): boolean {
  return file.startsWith("objects") && readFileSync(join(db, file))[5] === CHECKPOINT;
}

describe.skipIf(process.platform === "win32")("kill -9", { timeout: TIMEOUT }, () => {
  it("of the whole process group, five times, costs nothing but the work in progress", async () => {
    const db = newDatabase();
    const random = new Random(20);
    const after = (share: number) => {
      const moment = performance.now() + share * milliseconds;
      return () => performance.now() > moment;
    };
    const writes = () => filesIn(db, "tmp").length > 0;
    const moments: (() => () => boolean)[] = [
      // In the training of the clean model, with an epoch done.
      () => () => existsSync(checkpointOf(db)),
      () => after(random.uniform() / 4),
      // While the first of something is written.
      () => () => has(db, "clean", `${CLEAN}.json`) && (writes() || filesIn(db, "defects").length > 0),
      () => after(random.uniform() / 4),
      () => {
        const before = filesIn(db, "objects").length;
        // In memory a file is written before anybody sees its temporary one.
        return () => filesIn(db, "objects").length > before;
      },
    ];
    let epochs: unknown[] = [];
    for (const [i, momentOf] of moments.entries()) {
      const builder = new Builder(tinyBuild(db, data, ...SLICE));
      expect(await builder.until(momentOf()), `kill ${i}: before the end`).toBe(true);
      builder.killGroup();
      await builder.ended;
      if (i === 0) epochs = (readJson(checkpointOf(db)).meta as { history: unknown[] }).history;
      expectSound(db);
    }
    const done = ids.filter((id) => has(db, "defects", id.split("-").slice(0, 3).join("-"), `${id}.json`));
    const last = spawned(tinyBuild(db, data, ...SLICE));
    expect(last.status, last.stderr).toBe(0);
    const left = ids.length - done.length;
    expect(last.stderr.match(/^\d\/\d /gm)).toEqual(Array.from({ length: left }, (_, i) => `${i + 1}/${left} `));
    expectAsUndisturbed(db);
    // The epochs of before the kill were not trained again: they took as long as they had taken.
    expect(epochs.length).toBeGreaterThan(0);
    const { history } = readJson(db, "clean", `${CLEAN}.json`) as { history: unknown[] };
    expect(history.slice(0, epochs.length)).toEqual(epochs);
  });

  it.skipIf(process.platform !== "linux")("of the builder alone ends its workers; of a worker, the build", async () => {
    const db = newDatabase();
    const slice = [...SLICE, "--offset", "20"];
    const orphaning = new Builder(tinyBuild(db, data, ...slice));
    expect(await orphaning.until(() => holders(db, "cifar10").length === 2)).toBe(true);
    const orphans = childrenOf(orphaning.pid);
    expect(orphans.sort()).toEqual(holders(db, "cifar10").sort());
    orphaning.kill();
    await expect.poll(() => orphans.filter(isRunning), { timeout: 60_000 }).toEqual([]);
    expectSound(db);

    const builder = new Builder(tinyBuild(db, data, ...slice));
    const own = () => holders(db, "cifar10").filter((pid) => !orphans.includes(pid));
    expect(await builder.until(() => own().length === 2)).toBe(true);
    const workers = own();
    process.kill(workers[0], "SIGKILL");
    const { status, stderr } = await builder.ended;
    expect(stderr).toMatch(
      /^(\d\/\d [^\n]+\n)*error: a worker process ended with SIGKILL; run the same command[^\n]*\n$/,
    );
    expect(status).toBe(2);
    expect(workers.filter(isRunning)).toEqual([]);
    expectSound(db);

    expect(rowsOf(tinyBuild(db, data, ...slice))).toHaveLength(2);
    expectSound(db);
    const built = Object.entries(decidedBy(db)).filter(([file]) => !isCheckpointObject(db, file));
    expect(expected).toMatchObject(Object.fromEntries(built));
  });
});

describe("two builders on one database", { timeout: TIMEOUT }, () => {
  it("share the work: both end well, and every candidate is built once", async () => {
    const db = newDatabase();
    const builders = [1, 2].map(() => new Builder(tinyBuild(db, data, "--level", "narrow,small", "--jobs", "1")));
    const ends = await Promise.all(builders.map(({ ended }) => ended));
    expect(ends.map(({ status }) => status)).toEqual([0, 0]);
    const built = ends.flatMap(({ stderr }) => [...stderr.matchAll(/^\d+\/\d+ (\S+): /gm)].map(([, id]) => id));
    expect(built.sort()).toEqual([...ids, `clean/${CLEAN}`].sort());
    expect(Object.keys(factsOf(db))).toEqual(Object.keys(factsOf(undisturbed)));
    expectAsUndisturbed(db);
  });
});
