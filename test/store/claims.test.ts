import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Claim } from "../../src/store/claims.ts";
import { temporaryFolder } from "./temp.ts";

const SLOW = { heartbeatMs: 60_000, staleMs: 15_000 };

function onlyFile(folder: string): string {
  const [file, ...more] = readdirSync(folder);
  expect(more).toEqual([]);
  return join(folder, file);
}

describe("claims", () => {
  it("are held by one and free after release", () => {
    const folder = temporaryFolder();
    const first = Claim.take(folder, "clean/signs-resnet18w8-s1");
    expect(first?.held()).toBe(true);
    expect(Claim.take(folder, "clean/signs-resnet18w8-s1")).toBeNull();
    expect(Claim.take(folder, "clean/signs-resnet18w8-s2")?.held()).toBe(true);
    first!.release();
    first!.release();
    expect(Claim.take(folder, "clean/signs-resnet18w8-s1")?.held()).toBe(true);
  });

  it("leave one file behind, however often they are taken", () => {
    const folder = temporaryFolder();
    for (let i = 0; i < 5; i++) Claim.take(folder, "x")!.release();
    expect(readdirSync(folder)).toEqual(["x.4"]);
  });

  it("are taken over when the heartbeat stops, and the old holder notices", () => {
    const folder = temporaryFolder();
    const sleeper = Claim.take(folder, "x", SLOW)!;
    const file = onlyFile(folder);
    const long = Date.now() / 1000 - 16;
    utimesSync(file, long, long);
    const taker = Claim.take(folder, "x", SLOW);
    expect(taker?.held()).toBe(true);
    expect(sleeper.held()).toBe(false);
    sleeper.release();
    expect(taker!.held()).toBe(true);
    expect(Claim.take(folder, "x", SLOW)).toBeNull();
  });

  it("are kept alive by the heartbeat", async () => {
    const folder = temporaryFolder();
    const claim = Claim.take(folder, "x", { heartbeatMs: 5, staleMs: 15_000 })!;
    const file = onlyFile(folder);
    const long = Date.now() / 1000 - 60;
    utimesSync(file, long, long);
    await expect.poll(() => statSync(file).mtimeMs, { timeout: 5000 }).toBeGreaterThan(1000 * long + 30_000);
    expect(Claim.take(folder, "x", SLOW)).toBeNull();
    expect(claim.held()).toBe(true);
  });

  it("of a dead process are free at once, also when its pid lives on in another", () => {
    const folder = temporaryFolder();
    Claim.take(folder, "x", SLOW);
    const file = onlyFile(folder);
    const holder = JSON.parse(readFileSync(file, "utf8"));
    const { pid: dead } = spawnSync(process.execPath, ["-e", ""]);
    writeFileSync(file, JSON.stringify({ ...holder, pid: dead }));
    const next = Claim.take(folder, "x", SLOW)!;
    expect(next.held()).toBe(true);
    next.release();

    if (holder.started === null) return;
    Claim.take(folder, "x", SLOW);
    writeFileSync(onlyFile(folder), JSON.stringify({ ...holder, started: "1" }));
    expect(Claim.take(folder, "x", SLOW)?.held()).toBe(true);
  });

  it("of another machine are judged by their heartbeat alone", () => {
    const folder = temporaryFolder();
    Claim.take(folder, "x", SLOW);
    const file = onlyFile(folder);
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), host: "elsewhere", pid: 999_999 }));
    expect(Claim.take(folder, "x", SLOW)).toBeNull();
    const long = Date.now() / 1000 - 16;
    utimesSync(file, long, long);
    expect(Claim.take(folder, "x", SLOW)?.held()).toBe(true);
  });

  it("are never held by two processes that race, with holders that die", async () => {
    const folder = temporaryFolder();
    const log = join(folder, "log");
    const start = join(folder, "start");
    const racer = join(import.meta.dirname, "claim-racer.ts");
    const args = [join(folder, "claims"), "x", log, "400", start];
    const racers: ChildProcess[] = Array.from({ length: 6 }, () =>
      fork(racer, args, { execArgv: ["--import", "tsx"] }),
    );
    const ends = racers.map((child) => once(child, "exit"));
    writeFileSync(start, "");
    const codes = (await Promise.all(ends)).map(([code]) => code);
    expect(codes).toEqual(codes.map(() => 0));

    const lines = readFileSync(log, "utf8").trim().split("\n");
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.length % 2).toBe(0);
    for (let i = 0; i < lines.length; i += 2) {
      const [, pid] = lines[i].split(" ");
      expect([lines[i], lines[i + 1]]).toEqual([`take ${pid}`, `give ${pid}`]);
    }
  });
});
