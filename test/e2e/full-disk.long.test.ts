import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rowsOf, spawned } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { expectFault } from "./fault.ts";
import { treeOf } from "./files.ts";
import { tinyBuild, writeTinyData } from "./tiny.ts";

const data = temporaryFolder();
beforeAll(() => {
  writeTinyData(data);
});

describe.skipIf(process.platform !== "linux")("a full disk", () => {
  const disk = temporaryFolder();
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", disk]).status === 0;
  // Before the folder itself is removed: hooks run in reverse.
  afterAll(() => {
    if (mounted) spawnSync("umount", ["-l", disk]);
  });

  it.skipIf(!mounted)("from the beginning: one line, and nothing is left", () => {
    const filler = join(disk, "filler");
    spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k"]);
    const before = treeOf(disk);
    expectFault(tinyBuild(join(disk, "db"), data), /the disk is full; free space and run the same command again/);
    const left = Object.entries(treeOf(disk)).filter(([file, hash]) => hash !== "folder" && !(file in before));
    expect(left).toEqual([]);
    spawnSync("rm", [filler]);
  });

  it.skipIf(!mounted)("midway: one line, what is there is whole, and the same command goes on after", () => {
    const db = join(disk, "db");
    const build = tinyBuild(db, data, "--level", "narrow", "--offset", "0");
    expectFault(build, /objects\/.*: the disk is full; free space and run the same command again/);
    expect(spawned(["verify", "--all", "--db", db]).status).toBe(0);
    expect(spawnSync("mount", ["-o", "remount,size=30m", disk]).status).toBe(0);
    expect(rowsOf(build)).toHaveLength(1);
    expect(spawned(["verify", "--all", "--db", db]).status).toBe(0);
  });
});
