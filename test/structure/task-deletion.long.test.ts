import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TASKS } from "../../src/tasks/registry.ts";
import { temporaryFolder } from "../store/temp.ts";
import { ROOT } from "./sources.ts";

/** The one without which there is no record to read. */
const KEPT = "classification";

/** Tasks that lie in another one's folder, and go with it. */
const WITHIN: Record<string, string> = { reply: "language/reply" };

const removable = [...new Set(["lanes", "language", ...TASKS.keys()])].filter((name) => name !== KEPT);

describe.each(removable)("without the task '%s'", (name) => {
  it("all else compiles: its folder and its lines of the registry are all that there is of it", () => {
    const copy = temporaryFolder();
    for (const part of ["src", "tsconfig.json", "tsconfig.build.json", "package.json"]) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    const gone = [name, ...Object.keys(WITHIN).filter((own) => WITHIN[own].startsWith(`${name}/`))];
    const folder = WITHIN[name] ?? name;
    rmSync(join(copy, "src/tasks", folder), { recursive: true });
    const registry = join(copy, "src/tasks/registry.ts");
    const text = readFileSync(registry, "utf8");
    const without = text
      .split("\n")
      .filter((line) => !line.includes(`"./${folder}/`))
      .join("\n");
    const unlisted = (list: string, own: string) => list.replace(new RegExp(`, ${own}\\b(?=[^"]*\\]\\.map)`), "");
    writeFileSync(registry, gone.reduce(unlisted, without));
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json", "--noEmit"],
      { cwd: copy, encoding: "utf8" },
    );
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});
