import fs, {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { clearStaging, withStaging } from "../../src/files/staging.ts";
import { clearTemporaries, temporaryName } from "../../src/files/temporary.ts";
import { temporaryFolder } from "../store/temp.ts";
import { deadPid, leaveStaging } from "./abandoned.ts";

const MARKER = "bdefects-staging.json";

describe("a staging folder", () => {
  it("is gone when the work has ended or failed, whatever was moved out of it", async () => {
    const parent = temporaryFolder();
    const kept = await withStaging(parent, "import", (folder) => {
      writeFileSync(join(folder, "x"), "x");
      expect(readdirSync(parent)).toHaveLength(1);
      return folder;
    });
    expect([existsSync(kept), readdirSync(parent)]).toEqual([false, []]);
    await expect(withStaging(parent, "import", () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
    expect(readdirSync(parent)).toEqual([]);
  });

  it("of a process that has ended is removed, and no other folder", async () => {
    const parent = temporaryFolder();
    const dead = leaveStaging(parent, "bdefects-import");
    const elsewhere = leaveStaging(parent, "elsewhere", { host: "another machine" });
    const forgotten = leaveStaging(parent, "forgotten", { host: "another machine" });
    utimesSync(join(forgotten, MARKER), 1e9, 1e9);
    const alive = leaveStaging(parent, "alive", { pid: process.pid });
    const otherPid = leaveStaging(parent, "other");
    writeFileSync(join(otherPid, MARKER), readFileSync(join(dead, MARKER), "utf8").replace(/"pid":\d+/, '"pid":1'));
    const foreign = leaveStaging(parent, "foreign", { format: "something else" });
    const unmarked = leaveStaging(parent, "unmarked");
    rmSync(join(unmarked, MARKER));
    const torn = leaveStaging(parent, "torn");
    writeFileSync(join(torn, MARKER), "{");
    const linked = leaveStaging(parent, "linked");
    rmSync(join(linked, MARKER));
    symlinkSync(join(dead, MARKER), join(linked, MARKER));
    const target = leaveStaging(temporaryFolder(), "target");
    const link = join(parent, target.split("/").at(-1)!);
    symlinkSync(target, link);
    const plain = join(parent, "thesis");
    mkdirSync(plain);

    await withStaging(parent, "import", () => undefined);
    const left = [elsewhere, alive, otherPid, foreign, unmarked, torn, linked, target, link, plain];
    expect(left.filter((path) => !existsSync(path))).toEqual([]);
    expect(existsSync(join(target, "content", "half"))).toBe(true);
    expect([dead, forgotten].filter(existsSync)).toEqual([]);
  });

  it("loses its mark last, so that a kill on the way leaves nothing that is nobody's", async () => {
    const parent = temporaryFolder();
    const left = leaveStaging(parent, "import");
    const removed: string[] = [];
    const rmSync = vi.spyOn(fs, "rmSync").mockImplementation((path) => {
      removed.push(String(path));
    });
    syncBuiltinESMExports();
    clearStaging(parent);
    rmSync.mockRestore();
    syncBuiltinESMExports();
    expect(removed).toEqual([join(left, "content"), left]);
  });

  it.each(["", '{"format":"bdefe', '{"format":"bdefects4nn-staging","host":"a b'])(
    "whose mark was cut goes when nothing else is in it: %s",
    (mark) => {
      const parent = temporaryFolder();
      const cut = join(parent, `import-${deadPid()}-0123456789ab.stage`);
      mkdirSync(cut);
      writeFileSync(join(cut, "bdefects-staging.json"), mark);
      writeFileSync(join(cut, "mine"), "");
      clearStaging(parent);
      expect(existsSync(cut)).toBe(true);
      rmSync(join(cut, "mine"));
      clearStaging(parent);
      expect(existsSync(cut)).toBe(false);
    },
  );

  it("that could not be marked yet goes when it is empty", () => {
    const parent = temporaryFolder();
    const empty = join(parent, `import-${deadPid()}-0123456789ab.stage`);
    mkdirSync(empty);
    clearStaging(parent);
    clearStaging(join(parent, "no such folder"));
    expect(existsSync(empty)).toBe(false);
  });

  it("through a link inside it deletes nothing", () => {
    const parent = temporaryFolder();
    const precious = temporaryFolder();
    writeFileSync(join(precious, "thesis.txt"), "mine");
    const stage = leaveStaging(parent, "import");
    symlinkSync(precious, join(stage, "content", "link"));
    clearStaging(parent);
    expect([existsSync(stage), readdirSync(precious)]).toEqual([false, ["thesis.txt"]]);
  });
});

describe("temporary files", () => {
  it("that a killed writer left are deleted, and nothing else", () => {
    const folder = temporaryFolder();
    const old = (name: string) => {
      writeFileSync(join(folder, name), "x");
      utimesSync(join(folder, name), 1e9, 1e9);
      return name;
    };
    const dead = deadPid();
    const stale = [`${dead}-0123456789ab`, `${dead}-0123456789ab.duckdb`, `${dead}-0123456789ab.duckdb.wal`].map(old);
    const kept = [
      old("thesis.txt"),
      old(`${dead}-0123456789abc`),
      old(`0${dead}-0123456789ab`),
      old(`${dead}-0123456789ab.txt`),
      // Of a writer that lives.
      old(temporaryName()),
    ];
    writeFileSync(join(folder, `${dead}-aaaaaaaaaaaa`), "young");
    mkdirSync(join(folder, `${dead}-bbbbbbbbbbbb`));
    utimesSync(join(folder, `${dead}-bbbbbbbbbbbb`), 1e9, 1e9);
    symlinkSync(join(folder, "thesis.txt"), join(folder, `${dead}-cccccccccccc`));
    clearTemporaries(folder, 1000);
    const left = readdirSync(folder);
    expect(stale.filter((name) => left.includes(name))).toEqual([]);
    expect(left).toEqual(
      expect.arrayContaining([...kept, `${dead}-aaaaaaaaaaaa`, `${dead}-bbbbbbbbbbbb`, `${dead}-cccccccccccc`]),
    );
    expect(statSync(join(folder, `${dead}-cccccccccccc`)).size).toBe(1);
  });

  it("are not looked for through a link", () => {
    const precious = temporaryFolder();
    const name = `${deadPid()}-0123456789ab`;
    writeFileSync(join(precious, name), "x");
    utimesSync(join(precious, name), 1e9, 1e9);
    const link = join(temporaryFolder(), "tmp");
    symlinkSync(precious, link);
    clearTemporaries(link, 1000);
    expect(readdirSync(precious)).toEqual([name]);
  });
});
