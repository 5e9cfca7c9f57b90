import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { beforeAll, describe, expect, it } from "vitest";
import { REGISTER_VERBS } from "../../src/cli/registry.ts";
import { TINY, writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { LONG, longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, spawned } from "./program.ts";

// Most tests run the program in a thread. Here every verb runs in a process of its own, once for each way in which it ends.

const root = temporaryFolder();
const [id] = idsOf("cifar10");
let db: string;
let data: string;

beforeAll(async () => {
  data = writeTinyData(root);
  db = await makeDatabase("cifar10", data);
  for (const [name, criterion] of [
    ["study", "clp"],
    ["failing", "own=cmd:false"],
  ]) {
    const recipe = `study: ${name}\nseed: 1\nselect: {}\nversions: [infected]\ncriteria: ["${criterion}"]\nbaselines: []\nrepairs: []\n`;
    writeFileSync(join(root, `${name}.yaml`), recipe);
  }
});

const SAMPLE = "gtsrb-resnet18w8-badnets-small-top040";

type Ending = [status: number, words: string, when: "always" | "long"];

/**
 * In this order: what one verb writes, another reads. Builds end in processes of their own in `test/e2e/`. Always one of each kind: what
 * only reads, computes, starts workers or programs, asks DuckDB, and each status.
 */
const ENDINGS: Ending[] = [
  [0, "data list --data DATA", "long"],
  [0, "build --dry-run --edition TINY --db ROOT/none --data DATA", "always"],
  [0, "reindex --db DB", "long"],
  [0, "groups --db DB", "long"],
  [0, "ids --db DB", "always"],
  [0, "info ID --db DB", "long"],
  [0, "query --db DB", "always"],
  [0, "localize ID --criterion clp --db DB --data DATA", "always"],
  [1, "localize ID --criterion own=cmd:false --db DB --data DATA", "always"],
  [0, "repair ID --method prune --using clp --db DB --data DATA", "always"],
  [1, "repair ID --method own=cmd:false --using clp --db DB --data DATA", "long"],
  [0, "score --db DB", "long"],
  [0, "study ROOT/study.yaml --db DB --data DATA", "always"],
  [1, "study ROOT/failing.yaml --db DB --data DATA", "long"],
  [0, "report --db DB --data DATA", "long"],
  [0, "site --out ROOT/site --db DB", "long"],
  [0, "datasheet --out ROOT/sheet --db DB", "long"],
  [0, "checkout ID ROOT/case --images 8 --db DB --data DATA", "always"],
  [0, "test ROOT/case", "always"],
  [0, "inspect ROOT/case/model.safetensors --data DATA --criterion clp", "long"],
  [0, "deprecate ID --reason because --db DB", "long"],
  [1, "verify --all --db DB", "always"],
  [0, `export ${SAMPLE} --out ROOT/exported --db sample`, "long"],
  [0, "import ROOT/exported --db ROOT/imported", "long"],
  [0, "verify --db ROOT/imported", "long"],
  [0, "env", "always"],
  [0, "completion bash", "long"],
];

/** Every verb's bad input. */
const BAD = [
  "demo --jobs 0",
  "data check nope",
  "build --edition nope",
  "groups --db ROOT",
  "ids nope --db DB",
  "info nope --db DB",
  "query --where true --sql nope --db DB",
  "checkout nope ROOT/nope --db DB",
  "test ROOT",
  "verify nope --db DB",
  "deprecate nope --reason because --db DB",
  "localize nope --db DB",
  "repair nope --db DB",
  "repair ID:drift --using oracle --db DB --data DATA",
  "repair ROOT/nope --using clp --template {}",
  "score nope --db DB",
  "study nope --db DB",
  "inspect ROOT/nope --data DATA",
  "inspect ROOT/nope --task language",
  "train-localizer nope --out ROOT/nope --db DB",
  "board run nope",
  "report --db ROOT",
  "serve --db ROOT",
  "site --out ROOT/nope --db ROOT",
  "datasheet --out ROOT/nope --db ROOT",
  "export nope --out ROOT/nope --db DB",
  "import ROOT/nope --db ROOT/new",
  "reindex --db ROOT",
  "env --format nope",
  "completion nope",
];

function argsOf(words: string): string[] {
  const places: Record<string, string> = { DB: db, DATA: data, ID: id, "ID:drift": `${id}:drift`, TINY };
  return words.split(" ").map((word) => places[word] ?? word.replace(/^ROOT/, root));
}

describe("in a process of its own", () => {
  it.each(ENDINGS.filter(([, , when]) => LONG || when === "always"))("ends with %i: bdefects %s", (status, words) => {
    const ran = spawned(argsOf(words));
    expect(ran.status, ran.stderr + ran.stdout).toBe(status);
    expect(/^error: /m.test(ran.stderr)).toBe(status !== 0);
  });

  const refused = { status: 2, stdout: "", stderr: expect.stringMatching(/^error: [^\n]+\n$/) };
  it.each(BAD)("ends with 2 and one line: bdefects %s", (words) => {
    expect(bdefects(argsOf(words))).toEqual(refused);
  });

  longIt.each(BAD)("ends as in a thread: bdefects %s", (words) => {
    const ran = spawned(argsOf(words));
    expect(ran).toEqual(refused);
    expect(bdefects(argsOf(words))).toEqual(ran);
  });

  it("is held to its bad input in every verb", () => {
    const program = new Command().helpCommand(false);
    for (const register of REGISTER_VERBS) register(program);
    const verbs = program.createHelp().visibleCommands(program);
    expect([...new Set(BAD.map((words) => words.split(" ")[0]))]).toEqual(verbs.map((verb) => verb.name()));
  });
});
