import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { rowsOf, spawned } from "../cli/program.ts";
import { Builder, isRunning } from "../e2e/builder.ts";
import { decidedBy } from "../e2e/files.ts";
import { tinyBuild, writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";

const CANDIDATES = 24;
const SLICE = ["--level", "narrow,small,middle", "--offset", "0,5,10,15,20,25,30,35"];
const SLURM = ["--executor", "slurm", "--slurm-tasks", "2", "--jobs", "1"];

const data = temporaryFolder();
const local = join(temporaryFolder(), "db");
let expected: Record<string, unknown>;
beforeAll(() => {
  writeTinyData(data);
  expect(rowsOf(tinyBuild(local, data, ...SLICE, "--jobs", "2"))).toHaveLength(CANDIDATES);
  expected = decidedBy(local);
});

/** In a folder whose name a careless script would stumble over. */
const newDatabase = () => join(temporaryFolder(), "it's a db");

/** How many candidates have a record. */
function recorded(db: string): number {
  const folder = join(db, "defects", "cifar10-resnet18w4-badnets");
  if (!existsSync(folder)) return 0;
  return readdirSync(folder).filter((file) => /top\d+\.json$/.test(file)).length;
}

/** The processes that build a shard, from /proc: what Slurm started, and none of its workers. */
function tasksOf(db: string, index: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const args = commandOf(pid);
      return args.includes(db) && args[args.indexOf("--shard-index") + 1] === String(index);
    });
}

function commandOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

describe("build --executor slurm", () => {
  it("outlives a killed task and a killed submitter, and ends as the local build did", async () => {
    const db = newDatabase();
    const command = tinyBuild(db, data, ...SLICE, ...SLURM);
    const submitter = new Builder(command);
    expect(await submitter.until(() => recorded(db) >= 3)).toBe(true);
    submitter.kill();
    expect((await submitter.ended).signal).toBe("SIGKILL");
    const [victim] = tasksOf(db, 0);
    process.kill(victim, "SIGKILL");
    await expect.poll(() => isRunning(victim)).toBe(false);
    expect(recorded(db)).toBeLessThan(CANDIDATES);

    const { status, stdout, stderr } = spawned([...command, "--format", "json"]);
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/^going on with job \d+, which runs already/m);
    expect(stderr).toMatch(
      /^\d+ model\(s\) are missing after the job's end; submitted job \d+ \(1 of at most 3 times\)$/m,
    );
    expect(JSON.parse(stdout)).toHaveLength(CANDIDATES);
    // Same ids, same objects, same labels: everything but durations.
    expect(decidedBy(db)).toEqual(expected);
    expect(existsSync(join(db, "catalog.duckdb"))).toBe(true);
    const verified = spawned(["verify", "--all", "--db", db]);
    expect(verified.status, verified.stdout + verified.stderr).toBe(0);
  });

  it("submits without waiting, and a job of its own indexes", async () => {
    const db = newDatabase();
    const slice = ["--level", "narrow", "--offset", "0,20"];
    const command = [...tinyBuild(db, data, ...slice, ...SLURM, "--no-wait")];
    const [first] = rowsOf(command);
    expect(first).toEqual({ job: expect.any(String), index_job: expect.any(String), tasks: 2, candidates: 2 });
    // Again, while it runs: nothing is submitted twice.
    expect(rowsOf(command)[0]).toMatchObject({ job: first.job });
    await expect.poll(() => existsSync(join(db, "catalog.duckdb")), { timeout: 100_000, interval: 200 }).toBe(true);
    expect(recorded(db)).toBe(2);
  });

  it("gives up where tasks die again and again, and says where the logs are", async () => {
    const db = newDatabase();
    const builder = new Builder(tinyBuild(db, data, ...SLICE, ...SLURM, "--slurm-resubmits", "0"));
    const both = () => [0, 1].every((index) => tasksOf(db, index).length === 1);
    expect(await builder.until(both)).toBe(true);
    for (const pid of [0, 1].flatMap((index) => tasksOf(db, index))) process.kill(pid, "SIGKILL");
    const { status, stderr } = await builder.ended;
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: the job has ended, and \d+ model\(s\) are missing; logs in [^\n]*jobs[^\n]*$/m);
  });

  it("tells in one line what sbatch refuses", () => {
    const db = newDatabase();
    const { status, stderr } = spawned(tinyBuild(db, data, ...SLICE, ...SLURM, "--slurm-time", "never"));
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/^error: --executor slurm: sbatch: [^\n]*--time[^\n]*\n$/),
    });
  });
});
