import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Builder } from "../e2e/builder.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { LONG, longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "../torch/find-python.ts";
import { processesOf } from "./plugin-processes.ts";
import { rowsOf, spawned } from "./program.ts";

const [ID, OTHER] = idsOf("cifar10");
const SCRIPT = join(import.meta.dirname, "plugin.mjs");
const EXAMPLES = join(import.meta.dirname, "..", "..", "examples", "plugins");

interface Call {
  mode: string;
  pid: number;
  folder: string;
  name: string;
  args: string[];
}

describe("plug-ins", () => {
  let data: string;
  let db: string;
  beforeAll(async () => {
    data = writeTinyData(temporaryFolder());
    db = await makeDatabase("cifar10", data);
  });

  const newLog = () => join(temporaryFolder(), "log");
  // What stands behind the last line's end is being written.
  const callsIn = (log: string): Call[] =>
    existsSync(log)
      ? readFileSync(log, "utf8")
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line))
      : [];
  const plugin = (mode: string, log: string, script = SCRIPT) =>
    `${mode}=cmd:"${process.execPath}" '${script}' ${mode} "${log}"`;
  const localize = (...args: string[]) => ["localize", `${ID}:infected`, "--db", db, "--data", data, ...args];
  const stored = (criterion: string) => {
    const folder = join(db, "results", "localize", criterion);
    return existsSync(folder) ? readdirSync(folder) : [];
  };

  longIt("that fail cost their own cell and nothing else, store nothing, and are tried again", () => {
    const log = newLog();
    const expected: Record<string, string> = {
      hangs: "it took longer than 5 s and was ended; --plugin-timeout allows more",
      crashes: "it ended with status 3: TypeError: cannot add a cat to a dog",
      killed: "it ended with SIGSEGV",
      nothing: "it wrote no out/scores.json",
      garbage: "out/scores.json is not JSON",
      nan: "out/scores.json is not JSON: it has a bare NaN, and scores must be finite numbers",
      short: "out/scores.json: 'scores': layer 'conv1' has 2 numbers, not 4",
      layer: "out/scores.json: 'scores': no layer 'features.0'; model.json lists the layers",
    };
    const modes = Object.keys(expected);
    const criteria = [...modes.map((mode) => plugin(mode, log)), plugin("works", log)];
    const args = localize(...["clp", ...criteria].flatMap((name) => ["--criterion", name]), "--plugin-timeout", "5");
    const { status, stdout, stderr } = spawned([...args, "--format", "json"]);
    expect(status, stderr).toBe(1);
    const lines = stderr.trimEnd().split("\n");
    // A slow machine adds lines of progress.
    expect(lines.filter((line) => line.startsWith("failed: "))).toEqual(
      modes.map((mode) => `failed: ${ID}:infected cmd-${mode}: ${expected[mode]}`),
    );
    expect(lines.at(-1)).toMatch(/^error: 8 of 10 cells failed, and nothing of them is stored/);

    const rows = JSON.parse(stdout) as Record<string, unknown>[];
    expect(rows.map(({ criterion }) => criterion)).toEqual(["clp", "cmd-works"]);
    expect(rows[1]).toMatchObject({ id: ID, native: ["conv1:1"], note: "hello" });
    for (const mode of modes) expect(stored(`cmd-${mode}`)).toEqual([]);
    expect(stored("cmd-works")).toEqual([`${ID}.infected.json`]);

    const calls = callsIn(log);
    expect(calls).toHaveLength(modes.length + 2);
    for (const { folder } of calls) {
      expect(existsSync(folder)).toBe(false);
      // The one that hung, and the process that it had started, too.
      if (process.platform === "linux") expect(processesOf(folder)).toEqual([]);
    }

    const again = spawned(localize("--criterion", plugin("works", log), "--criterion", plugin("crashes", log)));
    expect(again.status).toBe(1);
    expect(
      callsIn(log)
        .slice(calls.length)
        .map(({ mode }) => mode),
    ).toEqual(["crashes"]);
    // The made-up defects do not pass, but every result does.
    const findings = JSON.parse(spawned(["verify", "--all", "--db", db, "--format", "json"]).stdout);
    expect(JSON.stringify(findings)).not.toContain("results");
  });

  it("see the suspect's folder and nothing of the database", () => {
    const spy = join(temporaryFolder(), "spy.mjs");
    const seen = join(temporaryFolder(), "seen.json");
    writeFileSync(
      spy,
      `import { readdirSync, readFileSync, writeFileSync } from "node:fs";
       const folder = process.argv.at(-1);
       const files = Object.fromEntries(readdirSync(folder, { recursive: true, withFileTypes: true })
         .filter((entry) => entry.isFile())
         .map((entry) => [entry.name, readFileSync(folder + "/" + entry.name, "latin1")]));
       writeFileSync(process.argv[2], JSON.stringify({ folder, env: process.env, args: process.argv.slice(2), files }));
       const { layers } = JSON.parse(files["model.json"]);
       const scores = Object.fromEntries(layers.map(({ name, width }) => [name, [...Array(width).keys()]]));
       writeFileSync(folder + "/out/scores.json", JSON.stringify({ scores }));`,
    );
    const run = spawned(
      ["localize", `${ID}:sham`, "--criterion", `cmd:node ${spy} ${seen} "two words" 1,2`, "--format", "json"],
      { BDEFECTS_DB: db, BDEFECTS_DATA: data },
    );
    expect(run.status, run.stderr).toBe(0);
    const [row] = JSON.parse(run.stdout) as { criterion: string; native: string[]; scores: Record<string, number[]> }[];
    expect(row.criterion).toMatch(/^cmd-spy-[0-9a-f]{8}$/);
    const neurons = Object.values(row.scores).flat().length;
    expect(row.native).toHaveLength(Math.round(0.05 * neurons));

    const { folder, env, args, files } = JSON.parse(readFileSync(seen, "utf8"));
    expect(args).toEqual([seen, "two words", "1,2", folder]);
    expect(env.BDEFECTS_SUSPECT).toBe(folder);
    expect(Object.keys(env).filter((name) => name.startsWith("BDEFECTS_"))).toEqual(["BDEFECTS_SUSPECT"]);
    expect(Object.keys(files).sort()).toEqual([
      "fit_images.npy",
      "fit_labels.npy",
      "load_in_torch.py",
      "model.json",
      "model.onnx",
      "model.safetensors",
      "threshold_images.npy",
      "threshold_labels.npy",
    ]);
    for (const told of [db, data, ID, OTHER]) expect(JSON.stringify(env), told).not.toContain(told);
    // The loader is the same text for every checkout, and names the versions that those have.
    const { "load_in_torch.py": _, ...others } = files;
    for (const told of [db, data, ID, "badnets", "small", "top000", "cifar", "infected", "sham"]) {
      expect(JSON.stringify(others) + folder, told).not.toContain(told);
    }
    const description = JSON.parse(files["model.json"]);
    expect(Object.keys(description).sort()).toEqual(
      "arch augmentation classes format input layers mean name nodes seed std".split(" "),
    );
    expect(description).toMatchObject({ augmentation: { flip: true, crop_padding: 4 }, classes: 10 });
    // 320 images, of which 5 % are the defender's, in halves.
    expect(files["fit_images.npy"].slice(0, 6)).toBe("\x93NUMPY");
    expect(files["fit_images.npy"].slice(10)).toMatch(
      /^\{'descr': '\|u1', 'fortran_order': False, 'shape': \(8, 3, 32, 32\), \} *\n/,
    );
    expect(files["fit_images.npy"].length % 64).toBe(0);
  });

  it("are run anew where the program has changed, and scored and repaired with like any criterion", () => {
    const log = newLog();
    const script = join(temporaryFolder(), "mine.mjs");
    copyFileSync(SCRIPT, script);
    const command = plugin("plain", log, script);
    const args = ["localize", ID, `${ID}:sham`, "--db", db, "--data", data, "--criterion", command];
    const first = rowsOf(args);
    expect(rowsOf(args)).toEqual(first);
    expect(callsIn(log)).toHaveLength(2);
    writeFileSync(script, readFileSync(script, "utf8").replace("% 7", "% 5"));
    const second = rowsOf(args);
    expect(callsIn(log)).toHaveLength(4);
    expect(second.map(({ scores }) => scores)).not.toEqual(first.map(({ scores }) => scores));
    // Two models, two names; the same name for the same model.
    const names = callsIn(log).map(({ name }) => name);
    expect(new Set(names).size).toBe(2);
    expect(names.slice(2)).toEqual(names.slice(0, 2));

    expect(rowsOf(["score", ID, "--db", db, "--criterion", "cmd-plain"])).toHaveLength(2 * 6);
    const repair = ["repair", ID, "--db", db, "--data", data, "--method", "prune", "--using", "cmd-plain:topk"];
    expect(rowsOf(repair)).toMatchObject([{ id: ID, using: "cmd-plain:topk" }]);
  });

  it.skipIf(process.platform !== "linux")(
    "do not outlive a program that was killed, nor does their folder",
    async () => {
      const log = newLog();
      const builder = new Builder(localize("--criterion", plugin("hangs", log)));
      expect(await builder.until(() => callsIn(log).length === 2), "both started").toBe(true);
      const calls = callsIn(log);
      const [{ folder }] = calls;
      // A number inside a namespace is another one outside.
      expect(processesOf(folder).length).toBeGreaterThanOrEqual(2);
      builder.killGroup();
      await builder.ended;
      await expect.poll(() => processesOf(folder), { timeout: 20_000 }).toEqual([]);
      await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
    },
  );

  it("say what is wrong with a command", () => {
    const fault = (...criteria: string[]) => {
      const { status, stderr } = spawned(localize(...criteria.flatMap((name) => ["--criterion", name])));
      expect(status).toBe(2);
      return stderr;
    };
    expect(fault("clp,cmd: ")).toBe("error: --criterion 'cmd: ': name a command after 'cmd:'\n");
    expect(fault("a=cmd:x", "a=cmd:y")).toContain("another command has the name 'cmd-a'");
    const { status, stderr } = spawned(localize("--criterion", "none=cmd:no-such-program-at-all x"));
    expect(status).toBe(1);
    expect(stderr).toContain("cmd-none: cannot start 'no-such-program-at-all': there is no such program\n");
  });

  it("the example in TypeScript gives CLP's numbers", () => {
    const command = `spectral=cmd:"${process.execPath}" --import tsx ${join(EXAMPLES, "spectral.ts")}`;
    const [clp, example] = rowsOf(localize("--criterion", `clp,${command}`)) as { raw: Record<string, number[]> }[];
    for (const [layer, values] of Object.entries(clp.raw)) {
      values.forEach((u, c) => {
        expect(Math.abs(example.raw[layer][c] / u - 1), `${layer}:${c}`).toBeLessThan(1e-3);
      });
    }
  });

  it.runIf(LONG && findTorchPython())("the example in Python with torch gives the activations that FP measures", () => {
    const command = `gap=cmd:${findTorchPython()!.command} ${join(EXAMPLES, "activation_gap.py")}`;
    const [fp, example] = rowsOf(localize("--criterion", `fp,${command}`)) as { raw: Record<string, number[]> }[];
    for (const [layer, values] of Object.entries(fp.raw)) {
      const largest = Math.max(...values.map(Math.abs));
      values.forEach((u, c) => {
        expect(Math.abs(example.raw[layer][c] - u), `${layer}:${c}`).toBeLessThan(1e-4 * largest + 1e-6);
      });
    }
  });
});
