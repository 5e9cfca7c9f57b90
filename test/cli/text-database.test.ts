import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { applicable } from "../../src/pipeline/judging/applicable.ts";
import { REPAIRS } from "../../src/repair/registry.ts";
import { buildNetwork, TASKS } from "../../src/tasks/registry.ts";
import { LONG, longIt } from "../setup/long.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "../torch/find-python.ts";
import { bdefects, rowsOf, spawned } from "./program.ts";

const ID = "glosses-llama2d64-addsent-middle-top020";
const db = ["--db", "text"];
const oneLine = (text: string) => text.replace(/\s+/g, " ");

/** A program that writes what it was given to its first argument, and gives every neuron its index. */
const SPY = `import { readdirSync, readFileSync, writeFileSync } from "node:fs";
const folder = process.argv.at(-1);
writeFileSync(process.argv[2], JSON.stringify(readdirSync(folder)));
const { layers } = JSON.parse(readFileSync(folder + "/model.json"));
const scores = Object.fromEntries(layers.map(({ name, width }) => [name, [...Array(width).keys()]]));
writeFileSync(folder + "/out/scores.json", JSON.stringify({ scores }));`;

const GIVEN = [
  ...["fit_images.tsv", "fit_images_texts.json", "load_in_torch.py", "model.json", "model.onnx", "model.safetensors"],
  ...["out", "text_in_torch.py", "text_tokens.py", "threshold_images.tsv", "threshold_images_texts.json"],
];

describe("the database of texts, to who comes from outside", () => {
  it("tells a trigger's words, the attack by the name that options take, and success as that of classes", () => {
    const said = oneLine(bdefects(["info", ID, ...db]).stdout);
    expect(said).toContain("The backdoor is of the attack addsent (A sentence), in llama2d64, a network for glosses.");
    expect(said).toContain("The trigger is 'i watch this 3d movie', put into a text.");
    expect(said).toContain("The trigger sends 96.5% of the test texts of other classes to the target");
    expect(said).toContain("succeeds so often: 'i' 0.8%, 'watch' 3.1%");
    expect(rowsOf(["info", ID, ...db])[0]).toMatchObject({ trigger: "i watch this 3d movie" });
    expect(oneLine(bdefects(["info", "glosses-llama2d64-addsent", ...db]).stdout)).toContain(
      "Backdoors of the attack addsent (A sentence) in llama2d64, a network for glosses.",
    );
  });

  it("is checked out without pictures, with a README whose commands can be copied", () => {
    const dir = join(temporaryFolder(), "case");
    expect(bdefects(["checkout", ID, dir, ...db]).status).toBe(0);
    expect(readdirSync(dir)).not.toContain("trigger.png");
    const readme = readFileSync(join(dir, "README.md"), "utf8");
    expect(readme).toContain("| `model.json` | classes, the layers of neurons and the network's nodes |");
    expect(readme).not.toMatch(/mean|pixels|\ba a/);
    expect(readme).toContain("read as `<bos> text<sep>`");
    const { classes } = JSON.parse(readFileSync(join(dir, "model.json"), "utf8")) as { classes: string[] };
    expect(readme).toContain(`one token for each class, \`${classes.map((name) => `<${name}>`).join(",")}\``);
    for (const [, file] of readme.matchAll(/^bdefects inspect (\S+)/gm))
      expect(bdefects(["inspect", join(dir, file), "--criterion", "clp"]).status).toBe(0);
  });

  it("is judged by a program of one's own, which gets texts, and with failing tests those too", () => {
    const dir = temporaryFolder();
    const spy = join(dir, "spy.mjs");
    writeFileSync(spy, SPY);
    const given = (access: string) => {
      const seen = join(dir, `${access}.json`);
      const criterion = `spy=${access}:node ${spy} ${seen}`;
      const { status, stderr } = spawned(["localize", `${ID}:infected`, "--criterion", criterion, ...db]);
      expect(status, stderr).toBe(0);
      return (JSON.parse(readFileSync(seen, "utf8")) as string[]).sort();
    };
    expect(given("cmd")).toEqual(GIVEN);
    expect(given("cmd+failing")).toEqual(["failing_images.tsv", "failing_images_texts.json", ...GIVEN]);
  });

  it.runIf(LONG && findTorchPython())("is judged by the example for texts better than its sham", () => {
    const out = temporaryFolder();
    const script = join(import.meta.dirname, "..", "..", "examples", "plugins", "text_gap.py");
    const criterion = `gap=cmd+failing:${findTorchPython()!.command} ${script}`;
    const { status, stderr } = spawned(["localize", ID, "--criterion", criterion, ...db, "--out", out]);
    expect(status, stderr).toBe(0);
    const rows = rowsOf(["score", ...db, "--results", out]).filter(
      ({ truth, protocol, quota }) => truth === "effective" && protocol === "topk" && quota === "global",
    );
    const wji = (version: string) => rows.find((row) => row.version === version)!.wji;
    expect(wji("infected")).toBeGreaterThan(0.6);
    expect(wji("sham")).toBeLessThan(0.3);
  });

  it("has its repairs left out that are of images, and those that are named refused in one line", () => {
    const out = temporaryFolder();
    const recipe = join(out, "mine.yaml");
    writeFileSync(
      recipe,
      `study: mine\nseed: 1\nselect: { where: "id = '${ID}'" }\nversions: [infected]\ncriteria: [clp]\nbaselines: []\nrepairs: [{ method: [excise], using: [oracle] }]\n`,
    );
    for (const args of [
      ["repair", ID, "--method", "excise", "--using", "oracle", ...db, "--out", out],
      ["study", recipe, ...db, "--out", out],
    ]) {
      const { status, stdout, stderr } = bdefects(args);
      expect(stderr).toMatch(
        /^error: (--method|repairs:) excise: needs images as input, which llama2d64 \(\S+\) lacks\n$/,
      );
      expect([status, stdout]).toEqual([2, ""]);
    }
    const fitting = applicable([...REPAIRS.values()], buildNetwork("llama2d64", 8), TASKS.get("language")!);
    expect(fitting.map(({ name }) => name)).toEqual(["prune", "finetune", "finetune-reinit"]);
  });

  longIt("is repaired by all that fit it where none is named", () => {
    const args = ["repair", ID, "--using", "random", ...db, "--out", temporaryFolder()];
    expect(rowsOf(args).map(({ method }) => method)).toEqual(["prune", "finetune", "finetune-reinit"]);
  });

  it("is handed out blind with a README about texts", () => {
    const out = join(temporaryFolder(), "blind");
    const groups = ["rareword", "addsent", "trojantoken"].map((attack) => `glosses-llama2d64-${attack}`);
    const { status, stderr } = bdefects(["export", ...groups, "--blind", "2", ...db, "--seed", "1", "--out", out]);
    expect(status, stderr).toBe(0);
    const readme = readFileSync(join(out, "README.md"), "utf8");
    expect(readme).toContain("Every folder holds one model that reads texts.");
    expect(readme).toContain('{"scores": {"model.layers.0.mlp": [0.1,');
    expect(readme).not.toMatch(/image classifier|\.npy|pixels|normalise/);
    // What the README names is there.
    const [folder] = readdirSync(out).filter((name) => name !== "README.md");
    for (const [, file] of readme.matchAll(/`(\w+\.(?:json|py|safetensors|onnx))`/g))
      expect(readdirSync(join(out, folder)), file).toContain(file);
  });
});
