import { beforeAll, describe, expect, it } from "vitest";
import { foreignPage } from "../../src/cli/info/foreign.ts";
import { gateRows } from "../../src/cli/info/gates.ts";
import { recipeFacts } from "../../src/cli/info/recipe-facts.ts";
import { openDatabase } from "../../src/store/database.ts";
import { SAMPLE_DIR } from "../../src/store/shipped/sample.ts";
import { sampleDatabase } from "../store/fixture.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const ACCEPTED = "cifar10-resnet18w8-badnets-small-top040";
const REJECTED = "cifar10-vgg13w8-badnets-small-top040-discreet";
const GROUP = "cifar10-vgg13w8-badnets";
const sample = ["--db", "sample"];

function page(...args: string[]): string {
  const { status, stdout, stderr } = bdefects(["info", ...args]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

const oneLine = (text: string) => text.replace(/\s+/g, " ");

describe("info in words", () => {
  it("says of an accepted defect what it is, what it does, which neurons are infected, and how to check it out", async () => {
    const text = page(ACCEPTED, ...sample);
    const said = oneLine(text);
    expect(text.split("\n")[0]).toBe(`${ACCEPTED}: accepted`);
    expect(said).toContain(
      "The backdoor is of the attack BadNets, in resnet18w8, a network for cifar10. The trigger's target is class 0 (airplane).",
    );
    expect(said).toContain(
      "The trigger sends 96.4% of the test images of other classes to the target, against 2.5% in the clean twin",
    );
    expect(text).toMatch(/^ {2}asr +0\.964 +at least 0\.9 +passed$/m);
    expect(text.replaceAll(/ \\\n\s+/g, " ")).toContain(`bdefects checkout ${ACCEPTED} case --sham --db sample`);
    const db = await openDatabase(SAMPLE_DIR, { readOnly: true });
    const labels = db.readLabels(ACCEPTED);
    expect(text).toContain("Infected: 35 of 600 neurons, 18 of them effective");
    for (const [layer, indices] of Object.entries(labels.infected)) {
      const named = indices.map((index) => `${index}${labels.effective?.[layer]?.includes(index) ? "*" : ""}`);
      expect(text, layer).toMatch(
        new RegExp(`^  ${layer} +${indices.length} +\\d+ .* ${named.join(" ").replaceAll("*", "\\*")}$`, "m"),
      );
    }
  });

  it("says of a rejected candidate which gate decided, and which others fail", () => {
    const text = page(REJECTED, ...sample);
    expect(text).toMatch(new RegExp(`^${REJECTED}: rejected$`, "m"));
    expect(oneLine(text)).toContain("The gate that decided is asr: 0.766 (at least 0.9).");
    expect(text).toMatch(/^ {2}asr +0\.766 +at least 0\.9 +failed$/m);
    expect(text).toMatch(/^ {2}ca_drop +0\.090 +at most 0\.05 +failed$/m);
    expect(text).toMatch(/^ {2}asr_patched +- +at most 0\.2 +not measured$/m);
    expect(text).not.toContain("checkout");
  });

  it("describes a group, a clean model and the database", () => {
    const group = page(GROUP, ...sample);
    expect(oneLine(group)).toContain("The group has 3 candidates: 2 accepted, 1 rejected.");
    expect(group).toMatch(new RegExp(`^  ${REJECTED} +rejected +0\\.766`, "m"));
    expect(rowsOf(["info", GROUP, ...sample])[0]).toMatchObject({
      group_id: GROUP,
      candidates: 3,
      accepted: 2,
      rejected: 1,
    });
    expect(oneLine(page("clean/cifar10-vgg13w8-s1", ...sample))).toMatch(
      /vgg13w8 trained on cifar10 \(10 classes\).*9, of which 7 are accepted/,
    );
    expect(oneLine(page(...sample))).toMatch(/12 clean models and 111 candidates: 85 accepted, 26 rejected/);
  });

  it("fits the terminal, whatever is described, and shows no object as text", async () => {
    const db = await openDatabase(SAMPLE_DIR, { readOnly: true });
    const googlenet = db.listDefects().find((id) => id.includes("googlenet"))!;
    for (const what of [[], [ACCEPTED], [REJECTED], [GROUP], [googlenet], [db.listClean()[0]]]) {
      for (const COLUMNS of ["80", "100"]) {
        const { stdout } = bdefects(["info", ...what, ...sample], { COLUMNS });
        expect(Math.max(...stdout.split("\n").map((line) => line.length)), what[0]).toBeLessThanOrEqual(
          Number(COLUMNS),
        );
        expect(stdout).not.toMatch(/\[object|undefined|NaN|null/);
      }
      for (const format of [["--format", "json"], ["--format", "csv"], ["--long"]]) {
        expect(bdefects(["info", ...what, ...sample, ...format]).stdout).not.toMatch(/\[object|undefined|NaN/);
      }
    }
  });

  it("gives machines flat objects, and people some fields or all", () => {
    const [row] = rowsOf(["info", ACCEPTED, ...sample]);
    expect(row).toMatchObject({ recipe_inject_attempts_1_peak_steps: 300, recipe_gates_asr: 0.9 });
    for (const value of Object.values(row)) expect(typeof value === "object" && value !== null).toBe(false);
    expect(page(ACCEPTED, ...sample, "--fields", "asr,id")).toMatch(/asr +0\.963611\n *id +cifar10/);
    expect(bdefects(["info", ACCEPTED, ...sample, "--fields", "nope"]).stderr).toMatch(
      /^error: --fields: unknown field 'nope'; valid: id,/,
    );
  });
});

describe("info of other states", () => {
  const dir = temporaryFolder();
  beforeAll(async () => {
    const { db, accepted } = await sampleDatabase(dir, 2);
    db.writeDefect({ ...accepted[1], status: "deprecated", reason: "the trigger\u001b[2J is cut off" });
  });

  it("names what a duplicate equals, and why a defect was withdrawn, without its control characters", () => {
    expect(oneLine(page("signs-resnet18w4-badnets-narrow-top005", "--db", dir))).toMatch(
      /Why it is duplicate .* same neurons as '?signs-resnet18w4-badnets-narrow-top000/,
    );
    const withdrawn = page("signs-resnet18w4-badnets-middle-top000", "--db", dir);
    expect(withdrawn).toContain("\\x1b[2J is cut off");
    expect(withdrawn.replaceAll(/ \\\n\s+/g, " ")).toContain(`--db ${dir}`);
  });
});

describe("parts of info", () => {
  const metrics = {
    ...{ ca_clean: 0.9, ca: 0.88, asr: 0.95, asr_clean: 0.02, ca_masked: 0.5, asr_masked: 0.7 },
    masked_clean_to_target: 0.6,
    asr_patched: 0.3,
    asr_random_mask: 0.4,
    ca_sham: 0.9,
    asr_sham: 0.2,
  };
  const gates = { asr: 0.9, ca_drop: 0.05, asr_masked: 0.2, asr_patched: 0.2, random_mask_share: 0.5, sham: 0.05 };

  it("hold every gate against its figure", () => {
    const rows = gateRows({ metrics, recipe: { gates } });
    expect(rows.map(({ result }) => result)).toEqual(["passed", "passed", "passed", "failed", "failed", "failed"]);
    expect(rows[2].measured).toBeCloseTo(0.1);
    expect(rows[4].bound).toBe("at least 0.475");
    expect(gateRows({ metrics, recipe: {} })).toEqual([]);
  });

  it("flatten recipes whatever they hold", () => {
    expect(recipeFacts({ a: 1, b: [1, 2], c: [{ d: null }, { e: [] }], f: { g: "x" } })).toEqual({
      ...{ recipe_a: 1, recipe_b: "1 2", recipe_c_1_d: null, recipe_c_2_e: "", recipe_f_g: "x" },
    });
  });

  it("tell of a foreign model what its files tell", () => {
    const ref = { object: "a".repeat(64), bytes: 1234, decoded_sha256: "b".repeat(64) };
    const text = foreignPage(
      {
        ...{
          kind: "foreign",
          id: "foreign/a-b-c-d-top005",
          layout: "bdefects4nn",
          source: "x/y",
          dataset: "a",
          arch: "b",
        },
        ...{
          attack: "c",
          level: "d",
          top: 5,
          clean: null,
          sham: null,
          metrics: null,
          model: ref,
          tensors: 2,
          parameters: 9,
        },
        ...{ fits: null, infected: { conv1: [3, 7] }, contribution: null, poison_path: null },
        ...{ infected_neuron_contribution: null, told: [{ file: "p.pt", bytes: 1, sha256: "c".repeat(64) }] },
      },
      "fits no architecture; the nearest is vgg13: it lacks 'bn'",
      "",
    );
    expect(text).toMatch(/^ {2}conv1 +2 +3 7$/m);
    expect(oneLine(text)).toMatch(
      /It fits no architecture; the nearest is vgg13: it lacks 'bn'.*9 parameters in 2 tensors.*not kept p\.pt/,
    );
  });
});
