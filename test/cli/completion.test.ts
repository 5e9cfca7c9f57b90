import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects } from "./program.ts";

const MAIN = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");

/** What may follow words on a line; the last is being written. */
function offered(...words: string[]): string[] {
  const { status, stdout, stderr } = bdefects(["complete", "--", ...words]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.split("\n").flatMap((line) => (line === "" || line.startsWith(":") ? [] : [line.split("\t")[0]]));
}

describe("what is offered", () => {
  it("verbs, and the verbs below them", () => {
    expect(offered("")).toEqual(expect.arrayContaining(["demo", "build", "ids", "info", "query", "completion"]));
    expect(offered("")).not.toContain("complete");
    expect(offered("gr")).toEqual(["groups"]);
    expect(offered("data", "")).toEqual(["list", "fetch", "check"]);
  });

  it.each([
    ["options of the verb", ["query", "--s"], ["--sql"]],
    ["values of an option", ["ids", "--format", ""], ["table", "json", "csv"]],
    ["values behind an equals sign", ["ids", "--format=j"], ["json"]],
    ["the last name of a list", ["build", "--level", "small,m"], ["small,middle"]],
    ["names of a registry", ["localize", "--criterion", "bn"], ["bnp"]],
    ["data sets", ["data", "fetch", "cifar1"], ["cifar10", "cifar100"]],
    ["editions", ["build", "--edition", "l"], ["lanes", "lite"]],
    ["shells", ["completion", ""], ["bash", "zsh", "fish"]],
    [
      "groups and ids of the database",
      ["info", "--db", "sample", "cifar10-resnet18w8-sra"],
      ["cifar10-resnet18w8-sra", "cifar10-resnet18w8-sra-narrow-top040"],
    ],
    [
      "ids where the database comes first",
      ["--db=sample", "score", "gtsrb-vgg16w8-sra-"],
      ["gtsrb-vgg16w8-sra-narrow-top040"],
    ],
    [
      "further ids",
      ["ids", "cifar10-resnet18w8-sra", "--db", "sample", "gtsrb-vgg16w8-sra-"],
      ["gtsrb-vgg16w8-sra-narrow-top040"],
    ],
    ["clean models", ["info", "--db", "sample", "clean/cifar10-vgg13"], ["clean/cifar10-vgg13w8-s1"]],
  ])("%s", (_, words, expected) => {
    expect(offered(...words)).toEqual(expected);
  });

  it.each([
    [["ids", "--db", "/nowhere", ""]],
    [["nope", ""]],
    [["ids", "--nope", "x", "y"]],
    [["query", "--sql", "select '"]],
  ])("nothing, and no message, for %j", (words) => {
    expect(offered(...words)).toEqual([]);
  });
});

describe.skipIf(process.platform === "win32")("in bash", () => {
  /** What each line is completed to, by one shell. */
  const complete = (...lines: string[]) => {
    const script = `bdefects() { "${process.execPath}" "${MAIN}" "$@"; }
      source <(bdefects completion bash); source <(bdefects completion bash)
      for line; do COMP_LINE=$line; COMP_POINT=\${#line}; _bdefects_complete; printf '%s\\n' "\${COMPREPLY[*]}"; done`;
    const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", script, "bash", ...lines], { encoding: "utf8" });
    expect(stderr).toBe("");
    return stdout.replace(/\n$/, "").split("\n");
  };

  it("completes words, values behind an equals sign, and ids, and runs nothing that stands on the line", () => {
    expect(
      complete(
        "bdefects quer",
        "bdefects ids --format=c",
        "bdefects info --db sample cifar10-resnet18w8-sra-",
        'bdefects query --where "$(echo gone >&2) `echo gone >&2` x',
      ),
    ).toEqual(["query", "csv", "cifar10-resnet18w8-sra-narrow-top040", ""]);
  });
});

describe("the scripts", () => {
  it.each(["zsh", "fish"])("of %s ask this program", (shell) => {
    const { status, stdout } = bdefects(["completion", shell]);
    expect(status).toBe(0);
    expect(stdout).toContain("bdefects complete -- ");
    const path = join(temporaryFolder(), "script");
    writeFileSync(path, stdout);
    const found = spawnSync(shell, ["-n", path], { encoding: "utf8" });
    if (!found.error) expect({ status: found.status, stderr: found.stderr }).toEqual({ status: 0, stderr: "" });
  });

  it("are of the shells that are named", () => {
    expect(bdefects(["completion", "tcsh"])).toMatchObject({ status: 2, stdout: "" });
  });
});
