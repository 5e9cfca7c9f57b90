import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { temporaryFolder } from "../store/temp.ts";
import { rowsOf, spawned } from "./program.ts";

const [ID, OTHER] = idsOf("cifar10");

/** Appends to a log which files it sees, and the headers of the failing tests' arrays. */
const LOOKS = `
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
const [log] = process.argv.slice(2);
const folder = process.argv.at(-1);
const shape = (name) => /'shape': \\(([^)]*)\\)/.exec(readFileSync(folder + "/" + name, "latin1"))[1];
const seen = readdirSync(folder).filter((name) => name.startsWith("failing")).map((name) => [name, shape(name)]);
appendFileSync(log, JSON.stringify({ seen, files: readdirSync(folder).length }) + "\\n");
const { layers } = JSON.parse(readFileSync(folder + "/model.json", "utf8"));
const scores = Object.fromEntries(layers.map(({ name, width }) => [name, [...Array(width).keys()]]));
writeFileSync(folder + "/out/scores.json", JSON.stringify({ scores }));`;

describe("what a program may see", () => {
  let data: string;
  let db: string;
  let script: string;
  let log: string;
  const place = () => ["--db", db, "--data", data];
  const command = (access: string) => `looks=cmd${access}:"${process.execPath}" '${script}' '${log}'`;
  const calls = () =>
    readFileSync(log, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { seen: [string, string][]; files: number });
  beforeAll(async () => {
    data = writeTinyData(temporaryFolder());
    db = await makeDatabase("cifar10", data);
    script = join(temporaryFolder(), "looks.mjs");
    log = join(temporaryFolder(), "log");
    writeFileSync(script, LOOKS);
  });

  it("is declared: the failing tests with 'cmd+failing:', nothing more with 'cmd:'; results of one are not the other's", () => {
    const localize = (access: string) =>
      rowsOf(["localize", `${ID}:infected`, ...place(), "--criterion", command(access)]);
    localize("");
    localize("+failing");
    // The command is the same, but what was found under the other access is not read back.
    localize("+failing");
    const [clean, failing, ...more] = calls();
    expect(more).toEqual([]);
    expect(clean).toEqual({ seen: [], files: 9 });
    expect(failing.files).toBe(11);
    expect(failing.seen.map(([name]) => name)).toEqual(["failing_images.npy", "failing_labels.npy"]);
    const [images, labels] = failing.seen.map(([, shape]) => shape);
    expect(images).toMatch(/^\d+, 3, 32, 32$/);
    expect(labels).toBe(`${images.split(",")[0]},`);
    const stored = join(db, "results", "localize", "cmd-looks", `${ID}.infected.json`);
    expect(JSON.parse(readFileSync(stored, "utf8"))).toMatchObject({ access: "failing", criterion: "cmd-looks" });
    expect(new Set(rowsOf(["score", ID, "--db", db]).map(({ access }) => access))).toEqual(new Set(["failing"]));

    localize("");
    expect(calls()).toHaveLength(3);
    const wrong = spawned(["localize", ID, ...place(), "--criterion", "x=cmd+oracle:true"]);
    expect(wrong).toMatchObject({ status: 2, stdout: "" });
    expect(wrong.stderr).toBe(
      "error: --criterion 'x=cmd+oracle:true': no access 'oracle'; write cmd: or cmd+failing:\n",
    );
  });

  it("a stored name is accepted wherever a criterion's is; an unknown one is refused with what is stored", () => {
    rowsOf(["localize", ID, ...place(), "--criterion", command("")]);
    const before = calls().length;
    // Read back by its name alone, without the program.
    expect(rowsOf(["localize", ID, ...place(), "--criterion", "cmd-looks,clp"])).toHaveLength(2 * 2);
    expect(calls()).toHaveLength(before);
    expect(rowsOf(["score", ID, "--db", db, "--criterion", "cmd-looks"])).toHaveLength(2 * 6);
    const repair = (using: string) => ["repair", ID, ...place(), "--method", "prune", "--using", using];
    expect(rowsOf(repair("cmd-looks:topk"))).toMatchObject([{ id: ID, using: "cmd-looks:topk" }]);

    const missing = spawned(["localize", `${OTHER}:infected`, ...place(), "--criterion", "cmd-looks"]);
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain(
      `failed: ${OTHER}:infected cmd-looks: no stored prediction; name the program with --criterion "looks=cmd:COMMAND"\n`,
    );
    const refusals: [string[], RegExp][] = [
      [
        ["localize", ID, ...place(), "--criterion", "cmd-look"],
        /^error: unknown criterion 'cmd-look' \(did you mean 'cmd-looks'\?\); valid: fp, .*, cmd-looks\n$/,
      ],
      [
        ["score", ID, "--db", db, "--criterion", "magic"],
        /^error: unknown criterion 'magic'; valid: fp, .*, cmd-looks\n$/,
      ],
      [
        repair("cmd-look"),
        /^error: unknown --using 'cmd-look' \(did you mean 'cmd-looks'\?\); valid: oracle, random, none, fp, .*, cmd-looks\n$/,
      ],
    ];
    for (const [args, fault] of refusals) {
      const { status, stderr } = spawned(args);
      expect(status, args.join(" ")).toBe(2);
      expect(stderr).toMatch(fault);
    }
    expect(existsSync(join(db, "results", "localize", "cmd-look"))).toBe(false);
    expect(readdirSync(join(db, "results", "repair", "prune"))).toEqual(["cmd-looks.topk"]);
  });
});
