import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { readCheckedOut } from "../../src/store/checkout/checked-out.ts";
import { DATASETS } from "../../src/tasks/classification/datasets/registry.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { decodeState, encodeState } from "../../src/tensor/safetensors.ts";
import { randomState } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { torchZip } from "../store/torch-zip.ts";
import { dict, float, int, list, pickle, text } from "../tensor/pickle-bytes.ts";
import { bdefects, rowsOf } from "./program.ts";

const GROUP = "foreign/signs-resnet18-badnets";
/** With truth, without, and of no architecture of ours. */
const [TOLD, BARE, OTHER] = ["small-top005", "small-top010", "small-top015"].map((end) => `${GROUP}-${end}`);

const network = buildNetwork("resnet18w4", DATASETS.get("signs")!.classes.length);
const state = randomState(network, 1);

function writeCase(root: string, top: string, files: Record<string, Uint8Array>): void {
  const dir = join(root, "signs_fault", "g", `resnet18_badnets_level_small_top_${top}`);
  mkdirSync(dir, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(dir, name), bytes);
}

let db: string;

beforeAll(() => {
  const root = temporaryFolder();
  db = join(temporaryFolder(), "db");
  writeCase(root, "005", {
    "attack_model.safetensors": encodeState(state),
    "poison_path.pt": torchZip(pickle(dict([text("conv1"), list(int(1), int(3))]))),
    "infected_neuron_contribution.pt": torchZip(pickle(dict([text("conv1"), list(float(2), float(1))]))),
  });
  writeCase(root, "010", { "attack_model.safetensors": encodeState(randomState(network, 2)) });
  const odd = new Map([["w.weight", { shape: [2, 3, 1, 1], data: new Float32Array(6).fill(1) }]]);
  writeCase(root, "015", { "attack_model.safetensors": encodeState(odd) });
  rowsOf(["import", root, "--layout", "bdefects4nn", "--db", db]);
});

/** The one line that a verb is refused with. */
function refusal(args: string[]): string {
  const { status, stdout, stderr } = bdefects([...args, "--db", db]);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(/^error: [^\n]*\n$/);
  return stderr;
}

describe("foreign models", () => {
  it("are listed, with what is unknown as null", () => {
    expect(rowsOf(["ids", GROUP, "--db", db]).map(({ id }) => id)).toEqual([TOLD, BARE, OTHER]);
    const rows = rowsOf(["query", "--where", "status = 'foreign'", "--db", db]);
    expect(rows).toMatchObject([
      { id: TOLD, group_id: GROUP, arch: "resnet18", width: 4, level: "small", top: 5, infected: 2, asr: null },
      { id: BARE, infected: null, target: null, ca_clean: null },
      { id: OTHER, width: null, neurons: null, reason: "fits no architecture of ours" },
    ]);
    expect(rowsOf(["groups", "--db", db])).toMatchObject([{ group_id: GROUP, candidates: 0, accepted: 0, foreign: 3 }]);
    expect(bdefects(["info", GROUP, "--db", db]).stdout).toMatch(/has\s3\sforeign\smodels/);
    const counts = rowsOf(["query", "--sql", "select status, count(*) as n from defects group by 1", "--db", db]);
    expect(counts).toEqual([{ status: "foreign", n: 3 }]);
  });

  it("are checked out with what is known, and with the weights alone where no architecture fits", () => {
    const out = join(temporaryFolder(), "told");
    rowsOf(["checkout", TOLD, out, "--db", db]);
    expect(decodeState(readFileSync(join(out, "model.safetensors")), "model")).toEqual(state);
    expect(JSON.parse(readFileSync(join(out, "labels.json"), "utf8"))).toMatchObject({
      infected: { conv1: [1, 3] },
      contribution: { conv1: [2, 1] },
      infected_neurons: ["conv1:1", "conv1:3"],
      target: null,
    });
    const { mean, std } = DATASETS.get("signs")!.normalization;
    expect(JSON.parse(readFileSync(join(out, "model.json"), "utf8"))).toMatchObject({ arch: "resnet18w4", mean, std });
    expect(readFileSync(join(out, "README.md"), "utf8")).toMatch(/## Unknown\n- The clean twin/);
    expect(readFileSync(join(out, "record.json"), "utf8")).not.toMatch(/conv1/);
    const bare = join(temporaryFolder(), "bare");
    rowsOf(["checkout", BARE, bare, "--db", db]);
    expect(readdirSync(bare)).not.toContain("labels.json");
    const other = join(temporaryFolder(), "other");
    rowsOf(["checkout", OTHER, other, "--db", db]);
    expect(readdirSync(other).sort()).toEqual(["README.md", "model.safetensors", "record.json"]);
    for (const folder of [out, other]) {
      expect(() => readCheckedOut(folder)).toThrow(
        `${folder}: is the checkout of a foreign model, whose trigger and clean twin nobody knows, so it has no tests; 'bdefects inspect ${join(folder, "model.safetensors")}'`,
      );
    }
    for (const more of [["--sham"], ["--images", "4"]]) {
      expect(refusal(["checkout", TOLD, join(temporaryFolder(), "x"), ...more])).toMatch(/no trigger/);
    }
  });

  it("are localized blind, scored where there is truth, and repaired with clean accuracy before and after", () => {
    const found = rowsOf(["localize", GROUP, "--criterion", "clp", "--db", db]);
    expect(found.map(({ id, version }) => [id, version])).toEqual([
      [TOLD, "infected"],
      [BARE, "infected"],
    ]);
    const scored = bdefects(["score", GROUP, "--db", db, "--format", "json"]);
    expect(scored.stderr).toMatch(/small-top010' came without truth/);
    const rows: Record<string, unknown>[] = JSON.parse(scored.stdout);
    expect(new Set(rows.map(({ id, truth }) => `${id} ${truth}`))).toEqual(new Set([`${TOLD} full`]));
    for (const { auroc, wji, seconds } of rows) for (const value of [auroc, wji, seconds]) expect(value).not.toBeNull();

    const repair = ["repair", TOLD, "--method", "prune", "--using", "oracle,clp:topk", "--keep", "--db", db];
    const repairs = rowsOf(repair);
    expect(repairs).toMatchObject(
      ["oracle", "clp:topk"].map((using) => ({ id: TOLD, using, asr_before: null, asr_after: null, asrd: null })),
    );
    for (const { ca_before, ca_after } of repairs)
      for (const ca of [ca_before, ca_after]) expect(ca).toBeGreaterThan(0);
    const kept = join(db, "results", "repair", "prune", "oracle", `${TOLD}.safetensors`);
    const pruned = decodeState(readFileSync(kept), kept);
    expect([1, 3].map((row) => pruned.get("bn1.weight")!.data[row])).toEqual([0, 0]);
    expect(rowsOf(["score", "--repairs", TOLD, "--db", db])).toEqual([...repairs].reverse());
    expect(rowsOf(repair)).toEqual(repairs);
    const verified = bdefects(["verify", "--all", "--db", db]);
    expect([verified.status, verified.stderr]).toEqual([0, verified.stderr]);
    expect(rowsOf(["query", "--sql", "select id, asr_after from repairs", "--db", db])).toHaveLength(2);
  });

  it("are exported with their results, alone or all, and imported elsewhere", () => {
    for (const out of [join(temporaryFolder(), "x"), join(temporaryFolder(), "x.tar.gz")]) {
      const [written] = rowsOf(["export", GROUP, "--results", "--out", out, "--db", db]);
      expect(written).toMatchObject({ defects: 0, clean: 0, foreign: 3 });
      const copy = join(temporaryFolder(), "db");
      expect(rowsOf(["import", out, "--db", copy])).toMatchObject([{ foreign: 3, known: 0 }]);
      expect(rowsOf(["import", out, "--db", copy])).toMatchObject([{ foreign: 3, added: 0 }]);
      expect(rowsOf(["ids", "--db", copy])).toEqual(rowsOf(["ids", "--db", db]));
      const scores = ["score", TOLD, "--criterion", "clp", "--db"];
      expect(rowsOf([...scores, copy])).toEqual(rowsOf([...scores, db]));
      expect(bdefects(["verify", "--all", "--db", copy]).status).toBe(0);
    }
    const one = join(temporaryFolder(), "one");
    rowsOf(["export", BARE, "--out", one, "--db", db]);
    expect(readdirSync(join(one, "foreign"))).toEqual([`${BARE.slice("foreign/".length)}.json`]);
    expect(rowsOf(["export", "--tables", "json", "--out", join(temporaryFolder(), "t"), "--db", db])[0]).toMatchObject({
      table: "defects",
      rows: 3,
    });
  });

  it("are refused in a line where what is asked for is unknown", () => {
    expect(refusal(["localize", OTHER, "--criterion", "clp"])).toMatch(/fits no architecture of ours/);
    expect(refusal(["repair", OTHER, "--method", "prune", "--using", "clp"])).toMatch(/fits no architecture of ours/);
    expect(refusal(["localize", TOLD, "--criterion", "deepmufl"])).toMatch(/needs failing tests/);
    expect(refusal(["localize", `${TOLD}:sham`, "--criterion", "clp"])).toMatch(/no sham version/);
    expect(refusal(["score", TOLD, "--summary"])).toMatch(/no sham/);
    expect(refusal(["localize", "--criterion", "clp"])).toMatch(/no accepted defect/);
    expect(refusal(["localize", `${GROUP}-small-top099`, "--criterion", "clp"])).toMatch(/no defect or group/);
    const { stdout, stderr } = bdefects(["repair", BARE, "--method", "prune", "--using", "oracle", "--db", db]);
    expect([stdout, stderr]).toEqual(["", expect.stringMatching(/nobody knows the infected neurons/)]);
  });
});
