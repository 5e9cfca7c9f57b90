import { describe, expect, it } from "vitest";
import { defectMetrics, NO_METRICS, versionRates } from "../../src/records/defect.ts";
import { DEFECT_FIELD_NAMES } from "../../src/records/defect-row.ts";
import {
  type Figures,
  failedGate,
  failedVisibility,
  figuresOf,
  GATES,
  type Gates,
  highestRise,
  isUnseen,
  REASONS,
} from "../../src/records/gates.ts";
import { DEFECT_METRIC_KEYS, metricsOfStep, RATES } from "../../src/records/metrics.ts";
import { REPAIR_FIELDS, SCORE_FIELDS } from "../../src/records/table-fields.ts";

describe("metrics", () => {
  it("stand in records and tables in their published order", () => {
    const figures = "ca_clean ca asr asr_clean ca_masked asr_masked masked_clean_to_target asr_patched asr_random_mask";
    const order = [...figures.split(" "), "ca_sham", "asr_sham"];
    expect(DEFECT_METRIC_KEYS).toEqual(order);
    expect(Object.keys(defectMetrics.parse({ ...NO_METRICS }))).toEqual(order);
    const catalogued = DEFECT_FIELD_NAMES.filter((name) => order.includes(name));
    expect(catalogued).toEqual(order.filter((name) => name !== "ca_masked"));
    expect(Object.keys(SCORE_FIELDS).join(" ")).toBe(
      "id version criterion access budget truth protocol quota k wji jaccard precision recall auroc ap exam seconds",
    );
    expect(Object.keys(REPAIR_FIELDS).join(" ")).toBe(
      "id method using budget ca_before ca_after asr_before asr_after asrd cad seconds cut version note",
    );
  });

  it("are shares of images: neither more than all, nor no number, nor another key", () => {
    expect(defectMetrics.safeParse({ ...NO_METRICS, ca: 1 }).success).toBe(true);
    for (const wrong of [{ ca: 1.01 }, { asr: -0.01 }, { asr: "1" }, { asr: undefined }, { f1: 0 }]) {
      expect(defectMetrics.safeParse({ ...NO_METRICS, ...wrong }).success, JSON.stringify(wrong)).toBe(false);
    }
  });

  it("are measured in three steps, which cover them", () => {
    const steps = (["backdoor", "correlation", "sham"] as const).map(metricsOfStep);
    expect(steps.flat().sort()).toEqual([...DEFECT_METRIC_KEYS].sort());
    expect(steps.map(({ length }) => length)).toEqual([4, 5, 2]);
  });

  it("name the rates that they are instances of", () => {
    expect([...RATES].sort().join(" ")).toBe(
      "ap asr asrd auroc ca cad exam jaccard masked_clean_to_target precision recall wji",
    );
  });

  it("tell the rates of a version", () => {
    const metrics = { ...NO_METRICS, ca: 0.1, asr: 0.2, ca_sham: 0.3, asr_sham: 0.4, ca_clean: 0.5, asr_clean: 0.6 };
    expect(versionRates({ metrics }, "infected")).toEqual({ ca: 0.1, asr: 0.2 });
    expect(versionRates({ metrics }, "sham")).toEqual({ ca: 0.3, asr: 0.4 });
    expect(versionRates({ metrics }, "clean")).toEqual({ ca: 0.5, asr: 0.6 });
  });
});

describe("gates", () => {
  const gates: Gates = {
    asr: 0.9,
    ca_drop: 0.05,
    asr_masked: 0.2,
    asr_patched: 0.2,
    random_mask_share: 0.5,
    sham: 0.1,
  };
  const good: Figures = {
    ...{ ca_clean: 0.9, ca: 0.89, asr: 0.95, asr_clean: 0.02, ca_masked: 0.8, asr_masked: 0.1 },
    ...{ masked_clean_to_target: 0, asr_patched: 0.1, asr_random_mask: 0.9, ca_sham: 0.9, asr_sham: 0.03 },
    ...{ asr_control: 0.05, control_rise: 0.03, perplexity_ratio: 1.02 },
  };

  it("let a candidate pass that is within every bound, or at it", () => {
    expect(failedGate(good, gates)).toBeNull();
    // Gates that a recipe lacks decide nothing.
    expect(failedGate({ ...good, asr_control: 1, perplexity_ratio: 9 }, gates)).toBeNull();
    expect(
      failedGate({ ...good, asr: 0.9, asr_patched: 0.2, asr_masked: 0.2, asr_random_mask: 0.45 }, gates),
    ).toBeNull();
  });

  it.each<[string, Figures]>([
    ["asr: 0.899 (at least 0.9)", { asr: 0.899 }],
    ["ca_drop: 0.060 (at most 0.05)", { ca: 0.84 }],
    [
      "asr_masked: 0.250 of triggered images beyond collapse still go to the target under the mask (at most 0.2)",
      { asr_masked: 0.75, masked_clean_to_target: 0.5 },
    ],
    ["asr_patched: 0.201 under the patch (at most 0.2)", { asr_patched: 0.201 }],
    [
      "asr_patched_rise: 0.155 under the patch against the clean twin's 0.020 (at most 0.13 more)",
      { asr_patched: 0.155 },
    ],
    ["asr_random_mask: 0.470 (at least 0.475)", { asr_random_mask: 0.47 }],
    ["sham: ASR 0.200 against the clean twin's 0.020 (within 0.1)", { asr_sham: 0.2 }],
    ["sham_rise: ASR 0.110 against the clean twin's 0.020 (at most 0.08 more)", { asr_sham: 0.11 }],
    [
      "control: what looks like the trigger succeeds on 0.130 against the clean twin's 0.020 (at most 0.1 more)",
      { asr_control: 0.13 },
    ],
    [
      "control_rise: what looks like the trigger succeeds on 0.090 more than in the clean twin (at most 0.08)",
      { control_rise: 0.09 },
    ],
    ["perplexity: 1.110 times the clean twin's (at most 1.1)", { perplexity_ratio: 1.11 }],
  ])("say what failed: %s", (reason, figures) => {
    const further = { asr_patched_rise: 0.13, sham_rise: 0.08, control: 0.1, control_rise: 0.08, perplexity: 1.1 };
    expect(failedGate({ ...good, ...figures }, { ...gates, ...further })).toBe(reason);
    expect(REASONS).toContain(reason.split(":")[0]);
  });

  it("read of a record how far each look-alike rises above the clean model's answer to the same", () => {
    const told = { metrics: NO_METRICS, controls: { mn: 0.3, bb: 0.4 }, controls_clean: { mn: 0.1, bb: 0.46 } };
    expect(figuresOf(told)).toMatchObject({ asr_control: 0.4, control_rise: expect.closeTo(0.2, 12) });
    expect(figuresOf({ ...told, controls_clean: undefined }).control_rise).toBeUndefined();
    expect(highestRise({ bb: 0.4 }, { bb: 0.46 })).toBe(0);
  });

  it("come after what keeps a trigger from being injected at all", () => {
    const reason = "visibility: 0.499 (at least 0.5): the first layer of neurons cannot tell the trigger";
    expect([failedVisibility(0.499), failedVisibility(0.5), REASONS[0]]).toEqual([reason, null, "visibility"]);
    expect(isUnseen({ status: "rejected", reason })).toBe(true);
    for (const other of [reason.replace("0.499", "0.600"), "asr: 0.100 (at least 0.9)", null]) {
      expect(isUnseen({ status: "rejected", reason: other })).toBe(false);
    }
  });

  it("decide in their order, and none behind one that was not measured", () => {
    expect(failedGate({ ...good, asr: 0.1, ca: 0.1, asr_sham: 0.9 }, gates)).toMatch(/^asr: /);
    expect(failedGate({ ...good, asr_patched: null, asr_sham: 0.9 }, gates)).toBeNull();
    expect(GATES.map(({ key }) => key)).toEqual(REASONS.slice(1, -1));
  });
});
