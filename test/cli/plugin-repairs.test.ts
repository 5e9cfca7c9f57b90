import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeTinyData } from "../e2e/tiny.ts";
import { idsOf, makeDatabase } from "../pipeline/database.ts";
import { LONG, longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "../torch/find-python.ts";
import { bdefects, rowsOf } from "./program.ts";

const [ID] = idsOf("cifar10");
const EXAMPLES = join(import.meta.dirname, "..", "..", "examples", "plugins");

/** A repair that answers as its mode says, and keeps what it was given of neurons. */
const MENDS = `
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
const [mode, log] = process.argv.slice(2);
const folder = process.argv.at(-1);
copyFileSync(folder + "/neurons.json", log);
const answer = folder + "/out/model.safetensors";
const bytes = readFileSync(folder + "/model.safetensors");
const header = 8 + Number(bytes.readBigUInt64LE());
const MODES = {
  zeros: () => writeFileSync(answer, bytes.fill(0, header)),
  same: () => writeFileSync(answer, bytes),
  nothing: () => undefined,
  nan: () => { bytes.writeFloatLE(NaN, header); writeFileSync(answer, bytes); },
  short: () => writeFileSync(answer, bytes.subarray(0, -4)),
  renamed: () => writeFileSync(answer, Buffer.from(bytes.toString("latin1").replace('"conv1.weight"', '"conv9.weight"'), "latin1")),
  huge: () => writeFileSync(answer, Buffer.alloc(5 * bytes.length + 8e6)),
  crashes: () => { process.stderr.write("no mercy\\n"); process.exit(4); },
};
MODES[mode]();`;

describe("repairs that are programs", () => {
  let data: string;
  let db: string;
  let script: string;
  let log: string;
  beforeAll(async () => {
    data = writeTinyData(temporaryFolder());
    db = await makeDatabase("cifar10", data);
    script = join(temporaryFolder(), "mends.mjs");
    log = join(temporaryFolder(), "neurons.json");
    writeFileSync(script, MENDS);
  });
  const command = (mode: string) => `${mode}=cmd:"${process.execPath}" '${script}' ${mode} '${log}'`;
  const repair = (using: string, ...methods: string[]) => [
    ...["repair", ID, "--db", db, "--data", data, "--using", using],
    ...methods.flatMap((method) => ["--method", method]),
  ];
  const given = () => JSON.parse(readFileSync(log, "utf8"));

  it("get the neurons, and the scores where there are some, and are measured by their weights", () => {
    const [row] = rowsOf(repair("oracle", command("zeros")));
    expect(row).toMatchObject({ id: ID, method: "cmd-zeros", using: "oracle" });
    expect(given()).toEqual({ neurons: ["conv1:1", "layer4.0.conv1:3", "layer4.0.conv1:9"], scores: null });
    // Weights of 0 answer the same class to everything, and a tenth of the test images are of it.
    expect(row.ca_after).toBeCloseTo(0.1, 5);
    const stored = JSON.parse(readFileSync(join(db, "results", "repair", "cmd-zeros", "oracle", `${ID}.json`), "utf8"));
    expect(stored.fingerprint).toMatch(/^[0-9a-f]{64}$/);

    rowsOf(["localize", `${ID}:infected`, "--db", db, "--criterion", "clp"]);
    const [kept] = rowsOf(repair("clp:topk", command("same")));
    expect(kept.ca_after).toBe(kept.ca_before);
    expect(given().neurons).toHaveLength(3);
    expect(Object.keys(given().scores)).toContain("layer4.0.conv1");
    expect(rowsOf(["score", ID, "--db", db, "--repairs"]).map(({ method }) => method)).toEqual([
      "cmd-same",
      "cmd-zeros",
    ]);
  });

  it("may choose by themselves, which the others cannot; are read back until the program changes", () => {
    expect(rowsOf(repair("none", command("zeros")))).toMatchObject([{ method: "cmd-zeros", using: "none" }]);
    expect(given()).toEqual({ neurons: null, scores: null });
    writeFileSync(log, "untouched");
    rowsOf(repair("none", command("zeros")));
    expect(readFileSync(log, "utf8")).toBe("untouched");
    writeFileSync(script, `${MENDS}\n`);
    rowsOf(repair("none", command("zeros")));
    expect(given()).toEqual({ neurons: null, scores: null });

    const { status, stderr } = bdefects(repair("none", "prune"));
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: --using none: 'prune' repairs the neurons that somebody names; .*\n$/);
    const failing = bdefects(repair("none", "x=cmd+failing:true"));
    expect(failing.status).toBe(2);
    expect(failing.stderr).toBe("error: --method 'cmd-x': a repair gets no failing tests; write cmd:\n");
  });

  longIt("that fail cost their own cell and nothing else, and store nothing", () => {
    const faults: Record<string, RegExp> = {
      nothing: /it wrote no out\/model\.safetensors$/,
      nan: /tensor '.*' holds numbers that are not finite$/,
      short: /not a valid safetensors file/,
      renamed: /the network has no tensor 'conv9\.weight'$/,
      huge: /out\/model\.safetensors has \d+ bytes; \d+ at most$/,
      crashes: /it ended with status 4: no mercy$/,
    };
    const modes = Object.keys(faults);
    const ran = bdefects([...repair("random", ...[...modes, "same"].map(command)), "--format", "json"]);
    expect(ran.status, ran.stderr).toBe(1);
    const lines = ran.stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(modes.length + 1);
    modes.forEach((mode, i) => {
      expect(lines[i]).toContain(`failed: ${ID} cmd-${mode} random: `);
      expect(lines[i]).toMatch(faults[mode]);
      expect(existsSync(join(db, "results", "repair", `cmd-${mode}`))).toBe(false);
    });
    expect(JSON.parse(ran.stdout)).toMatchObject([{ method: "cmd-same", using: "random" }]);
  });

  it.runIf(LONG && findTorchPython())(
    "the example with torch silences the named neurons and keeps the rest but its last layer",
    () => {
      const method = `tuned=cmd:${findTorchPython()!.command} ${join(EXAMPLES, "prune_and_tune.py")}`;
      expect(rowsOf([...repair("oracle", method), "--keep"])).toMatchObject([{ method: "cmd-tuned" }]);
      expect(existsSync(join(db, "results", "repair", "cmd-tuned", "oracle", `${ID}.safetensors`))).toBe(true);
      const lost = bdefects(repair("none", method));
      expect(lost.status).toBe(1);
      expect(lost.stderr).toContain("this repair chooses no neurons by itself");
    },
  );
});
