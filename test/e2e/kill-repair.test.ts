import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bdefects, rowsOf } from "../cli/program.ts";
import { randomState } from "../graph/programs.ts";
import { longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { CONFIGS, NETWORKS, writeFolder } from "../tasks/language/hugging-face.ts";
import { Builder } from "./builder.ts";
import { writeTinyData } from "./tiny.ts";

/** Each run is a process of its own; a machine that does much else at once may take long over several. */
const TIMEOUT = 300_000;

const root = temporaryFolder();
const namesIn = (dir: string) => (existsSync(dir) ? readdirSync(dir).sort() : []);
const list = (name: string, neurons: unknown) => {
  const path = join(root, `${name}.json`);
  writeFileSync(path, JSON.stringify(neurons));
  return path;
};

/** A command of `repair`, its folder of output, and what lies in it beside whole repairs. */
interface Case {
  args: (out: string) => string[];
  /** The first names of a path's repairs. */
  name: string;
  undisturbed: string;
}

/** Every file below a folder: its bytes, without the times that a repair states, and when it was written. */
function filesOf(dir: string): Map<string, { text: string; written: number }> {
  const files = new Map<string, { text: string; written: number }>();
  for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
    const path = join(dir, name);
    const found = statSync(path);
    if (!found.isFile()) continue;
    const text = readFileSync(path, "latin1");
    files.set(name, { text: text.replace(/"seconds": [\d.e-]+/, ""), written: found.mtimeMs });
  }
  return files;
}

const textsOf = (dir: string) => new Map([...filesOf(dir)].map(([name, { text }]) => [name, text]));
const isStage = (name: string) => name.endsWith(".stage");
const rowsBut = (rows: Record<string, unknown>[]) =>
  rows.map(({ seconds: _, folder: __, weights: ___, onnx: ____, ...row }) => row);

/** Kills a run at each of several moments, then lets one end. */
async function killAndGoOn({ args, name, undisturbed }: Case, isWhole: (entry: string) => boolean): Promise<void> {
  const expected = textsOf(undisturbed);
  const out = join(temporaryFolder(), "out");
  const steps = () => namesIn(join(out, `${name}.unfinished`)).filter((step) => step.endsWith(".json"));
  const whole = () => namesIn(out).filter(isWhole);
  const moments: [what: string, condition: () => boolean][] = [
    ["a step is done", () => steps().length > 0],
    ["the first is written", () => namesIn(out).some(isStage)],
    ["one is whole", () => whole().length > 0],
    [
      "another is whole",
      (
        (before) => () =>
          whole().length > before
      )(1),
    ],
  ];
  let earlier = new Map<string, { text: string; written: number }>();
  for (const [what, condition] of moments) {
    const run = new Builder(args(out));
    expect(await run.until(condition), what).toBe(true);
    run.killGroup();
    expect((await run.ended).signal, `${what}: before the end`).toBe("SIGKILL");
    const now = existsSync(out) ? filesOf(out) : new Map();
    // What has its name is whole, and nothing was made twice.
    for (const [file, { text }] of now) if (isWhole(file.split("/")[0])) expect(text, file).toBe(expected.get(file));
    for (const [file, { written }] of earlier) {
      if (!isStage(file.split("/")[0])) expect(now.get(file)?.written, `${what}: ${file}`).toBe(written);
    }
    earlier = now;
  }
  const done = whole().length;
  expect(done).toBeGreaterThan(0);
  const last = bdefects([...args(out), "--format", "json"]);
  expect(last.status, last.stderr).toBe(0);
  expect(last.stderr).toMatch(/^\d+ of \d+ are in \S+ already, made by this command$/m);
  expect(textsOf(out)).toEqual(expected);
  for (const [file, { written }] of filesOf(out)) {
    if (earlier.has(file)) expect(earlier.get(file)!.written, file).toBe(written);
  }
  // Done, the same command prints what it came to, and writes nothing.
  const after = filesOf(out);
  const rows = rowsOf(args(out));
  expect(rowsBut(rows)).toEqual(rowsBut(rowsOf(args(undisturbed))));
  expect(rowsBut(rows)).toEqual(rowsBut(JSON.parse(last.stdout)));
  expect(filesOf(out)).toEqual(after);
}

describe.skipIf(process.platform === "win32")("kill -9 of a repair", { timeout: TIMEOUT }, () => {
  const folder = writeFolder(join(root, "small"), {
    config: CONFIGS.llama,
    state: randomState(NETWORKS.llama, 6),
    dtype: "BF16",
    shards: 3,
  });
  const lists = Array.from({ length: 6 }, (_, i) => list(`list${i}`, [`model.layers.0.mlp:${i}`]));
  const args = (out: string) => {
    const using = ["fp", "clp", "random", ...lists].join(",");
    return ["repair", folder, "--method", "prune", "--using", using, "--budget", "short", "--out", out];
  };
  const undisturbed = join(root, "out");
  let rows: Record<string, unknown>[];
  beforeAll(() => {
    rows = rowsOf(args(undisturbed));
  });

  it("of a language model leaves whole folders, which the same command takes, and steps that it does not take again", async () => {
    expect(rows).toHaveLength(9);
    expect(namesIn(undisturbed)).toHaveLength(9);
    await killAndGoOn({ args, name: "small", undisturbed }, (entry) => /^small\.prune\./.test(entry));
  });

  it("never takes another command's repairs, nor changed ones", () => {
    const before = filesOf(undisturbed);
    const refused = (more: string[], message: RegExp) => {
      const { status, stdout, stderr } = bdefects([...args(undisturbed), ...more]);
      expect(stderr).toMatch(message);
      expect([status, stdout]).toEqual([2, ""]);
    };
    const other =
      /^error: \S+small\.prune\.\w+: exists already, made of other files or with other options; name another/m;
    refused(["--k", "3"], other);
    refused(["--seed", "2"], other);
    refused(["--budget", "demo"], other);
    refused(["--template", "{} is", "--answers", " a, b, c, d, e, f, g, h"], other);
    expect(filesOf(undisturbed)).toEqual(before);

    const config = join(folder, "config.json");
    const text = readFileSync(config, "utf8");
    writeFileSync(config, `${text}\n`);
    refused([], other);
    writeFileSync(config, text);

    const shard = join(undisturbed, "small.prune.clp", "model-00002-of-00003.safetensors");
    const bytes = readFileSync(shard);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(shard, bytes);
    refused([], /small\.prune\.clp: exists already, with other weights than its repair\.json states; name another/);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(shard, bytes);
    expect(rowsBut(rowsOf(args(undisturbed)))).toEqual(rowsBut(rows));
  });

  longIt("of a file of weights leaves whole files, which the same command completes", async () => {
    const data = writeTinyData(join(root, "data"));
    const suspect = join(root, "case");
    const id = "cifar10-vgg13w8-badnets-small-top040";
    expect(bdefects(["checkout", id, suspect, "--db", "sample"]).status).toBe(0);
    const own = (out: string) => {
      const using = ["--using", `fp,random,${list("few", ["features.3:0"])}`, "--method", "prune,finetune"];
      return ["repair", join(suspect, "model.safetensors"), "--data", data, ...using, "--out", out];
    };
    const whole = join(root, "own");
    expect(rowsOf(own(whole))).toHaveLength(6);
    expect(namesIn(whole)).toHaveLength(18);
    await killAndGoOn({ args: own, name: "model", undisturbed: whole }, (entry) => entry.endsWith(".safetensors"));
  });
});
