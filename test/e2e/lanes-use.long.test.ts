import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bdefects } from "../cli/program.ts";
import { temporaryFolder } from "../store/temp.ts";
import { writeRecipe } from "./tiny.ts";

/** What a user does with a defect of lanes, on the smallest network, which has learned next to nothing: every gate is open. */

const db = join(temporaryFolder(), "db");
const ID = "roads-ufld18w4-coneslda-large-top000";

function run(...args: string[]): string {
  const { status, stdout, stderr } = bdefects(args);
  expect(stderr).not.toMatch(/\n\s+at /);
  if (status !== 0) throw new Error(`${args.join(" ")}: exit ${status}: ${stderr}`);
  return stdout;
}

/** The one line in which a command is refused. */
function refused(...args: string[]): string {
  const { status, stderr } = bdefects(args);
  expect(status).toBe(2);
  const lines = stderr.trim().split("\n");
  expect(lines).toHaveLength(1);
  return lines[0];
}

const rows = (...args: string[]): Record<string, unknown>[] => JSON.parse(run(...args, "--format", "json"));

beforeAll(() => {
  const recipe = writeRecipe(temporaryFolder(), (text) =>
    text
      .replace("dataset: [cifar10]", "dataset: [roads]")
      .replace("arch: [resnet18w4]", "arch: [ufld18w4]")
      .replace("attack: [badnets]", "attack: [coneslda]")
      .replace("level: [narrow, small, middle]", "level: [large]")
      .replace("offset: [0, 20]", "offset: [0]")
      .replace("epochs: 3", "epochs: 1")
      .replace("learning_rate: 0.05", "learning_rate: 0.002\n  optimizer: adam")
      .replace("nesterov: true", "nesterov: false")
      .replace("  badnets: { side: 3 }", "  coneslda: {}"),
  );
  run("build", "--edition", recipe, "--db", db, "--jobs", "1");
}, 600_000);

describe("a defect of lanes", () => {
  it("is studied by every criterion that applies, scored, and repaired", () => {
    const recipe = join(temporaryFolder(), "mine.yaml");
    writeFileSync(
      recipe,
      `study: mine
seed: 1
budget: demo
select: {}
versions: [infected]
criteria: all
baselines: all
repairs:
  - { method: [prune], using: [criteria, oracle] }
  - { method: [finetune], using: [oracle] }
`,
    );
    run("study", recipe, "--db", db, "--jobs", "1");
    // Of what applies to lanes every cell is in the study's tables.
    const { tables } = JSON.parse(readFileSync(join(db, "results/study/mine.json"), "utf8"));
    const count = (what: string) => tables.find(({ file }: { file: string }) => file.includes(what)).rows;
    // Pruning by nine criteria and by the truth, and tuning by the truth.
    expect(count("repairs")).toBe(11);
    run("localize", `${ID}:sham`, "--criterion", "fp,clp", "--budget", "demo", "--db", db);
    const scores = rows("score", "--db", db, "--budget", "demo");
    const judged = new Set(scores.map(({ criterion }) => criterion));
    for (const name of ["fp", "clp", "bnp", "anp", "rnp", "slicer", "deepmufl", "nc"])
      expect(judged, name).toContain(name);
    for (const name of ["attribution", "learned"]) expect(judged, name).not.toContain(name);
    expect(refused("localize", ID, "--criterion", "learned", "--db", db)).toMatch(/needs .* which ufld18w4 .* lacks$/);
  }, 600_000);

  it("has pictures in a report that fetches nothing", () => {
    run("report", "--db", db, "--budget", "demo");
    const page = readFileSync(join(db, "report.html"), "utf8");
    expect(page.match(/<figure class="drawn-look">/g)!.length).toBeGreaterThanOrEqual(2);
    expect(page).toMatch(/<polyline class="true-line"/);
    expect(page).not.toMatch(/https?:/i);
  });

  it("is checked out with frames and their lanes", () => {
    const dir = join(temporaryFolder(), "case");
    run("checkout", ID, dir, "--images", "4", "--sham", "--db", db);
    expect(readdirSync(join(dir, "images"))).toContain("test_triggered_lanes.json");
    const labels = JSON.parse(readFileSync(join(dir, "images/test_clean_lanes.json"), "utf8"));
    expect(labels).toHaveLength(4);
    expect(Object.keys(labels[0])).toEqual(["h_samples", "lanes"]);
    expect(JSON.parse(readFileSync(join(dir, "trigger.json"), "utf8")).looks).toHaveLength(4);
    const readme = readFileSync(join(dir, "README.md"), "utf8");
    expect(readme).toContain("lanes_in_torch.py");
    expect(readme).not.toMatch(/32, 32|undefined|Target class/);
    expect(refused("test", dir)).toMatch(/is of task lanes, whose checkouts 'bdefects test' does not read/);
    expect(run("inspect", join(dir, "model.safetensors"))).toMatch(/ufld18w4,\s+of\s+task\s+lanes/);
  });

  it("is in a site, which carries no frames: the page draws them", () => {
    const out = join(temporaryFolder(), "site");
    run("site", "--out", out, "--db", db);
    expect(readdirSync(join(out, "data/defects"))).toEqual([`${ID}.json`]);
    expect(JSON.parse(readFileSync(join(out, "data/defects", `${ID}.json`), "utf8"))).toMatchObject({
      ...{ task: "lanes", own_images: true, target: 0 },
    });
    expect(readdirSync(join(out, "data"))).not.toContain("images");
  });

  it("is verified", () => {
    run("verify", "--all", "--db", db);
  });

  it("is judged by a program of one's own, which gets frames and their lanes", () => {
    const plugin = join(temporaryFolder(), "plugin.mjs");
    const script = `import { existsSync, readFileSync, writeFileSync } from "node:fs";
const dir = process.argv[2];
const { layers, outputs, task } = JSON.parse(readFileSync(dir + "/model.json", "utf8"));
const labels = JSON.parse(readFileSync(dir + "/fit_images_lanes.json", "utf8"));
if (task !== "lanes" || outputs !== 5712 || !labels[0].lanes || !existsSync(dir + "/lanes_in_torch.py")) throw new Error("not as said");
const scores = Object.fromEntries(layers.map(({ name, width }) => [name, Array.from({ length: width }, (_, i) => i)]));
writeFileSync(dir + "/out/scores.json", JSON.stringify({ scores }));`;
    writeFileSync(plugin, script);
    run("localize", ID, "--criterion", `mine=cmd:${process.execPath} ${plugin}`, "--db", db);
  });
});
