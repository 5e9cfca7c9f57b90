import { describe, expect, it } from "vitest";
import type { ImageSet } from "../../src/images/image-set.ts";
import { asImages } from "../../src/images/image-set.ts";
import { clp } from "../../src/localize/criteria/clp.ts";
import { nothingSuspicious } from "../../src/localize/no-failing-tests.ts";
import type { Criterion, FailingCriterion, OracleCriterion, Suspect } from "../../src/localize/types.ts";
import { failingTests } from "../../src/pipeline/judging/failing-tests.ts";
import { localizeAll } from "../../src/pipeline/judging/localize.ts";
import { scoreAll } from "../../src/pipeline/judging/score.ts";
import type { JudgedItem } from "../../src/pipeline/judging/select.ts";
import { blind } from "../../src/pipeline/judging/suspect.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { fakeRunner } from "../localize/suspects.ts";
import { freshResults, IDS, makeBench } from "./defects.ts";

const items: JudgedItem[] = [
  { id: IDS[0], version: "infected" },
  { id: IDS[0], version: "sham" },
];

/** The trigger of these tests: the last pixel of 2×2 white. */
const isTriggered = ({ pixels }: ImageSet, i: number) => [3, 7, 11].every((k) => pixels[12 * i + k] === 255);

describe("what each access is shown", () => {
  it("clean: the suspect alone; failing: also triggered images that go wrong; oracle: also the target", async () => {
    const shown: Record<string, unknown[][]> = {};
    const look =
      (name: string) =>
      async (...given: unknown[]) => {
        shown[name] ??= [];
        shown[name].push(given);
        return clp.localize(given[0] as Suspect);
      };
    const common = { title: "", kind: "own" as const, needsData: true as const };
    const failing: FailingCriterion = { ...common, name: "failing", access: "failing", localize: look("failing") };
    const oracle: OracleCriterion = { ...common, name: "oracular", access: "oracle", localize: look("oracle") };
    const clean: Criterion = { ...common, name: "clean", access: "clean", localize: look("clean") };
    const { results } = await freshResults();
    const { bench } = makeBench();
    const criteria = [clean, failing, oracle];
    const predictions = await localizeAll(bench, results, items, criteria);
    expect(shown.clean.map((given) => given.length)).toEqual([1, 1]);
    expect(shown.failing.map((given) => given.length)).toEqual([2, 2]);
    expect(shown.oracle.map((given) => given.slice(2))).toEqual([[0], [0]]);

    for (const [suspect, tests] of [...shown.failing, ...shown.oracle] as [Suspect, ImageSet][]) {
      expect(Object.keys(suspect).sort()).toEqual(Object.keys(shown.clean[0][0] as Suspect).sort());
      expect(Object.keys(tests).sort()).toEqual(["count", "height", "labels", "pixels", "width"]);
      // The fit half holds 11 images of labels 0 to 9 and one more; whatever is not a 0 fails.
      const wrong = [...asImages(suspect.clean.fit).labels].filter((label) => label !== 0);
      expect([...tests.labels]).toEqual(wrong);
      for (let i = 0; i < tests.count; i++) expect(isTriggered(tests, i)).toBe(true);
      const fit = asImages(suspect.clean.fit);
      for (let i = 0; i < fit.count; i++) expect(isTriggered(fit, i)).toBe(false);
    }

    expect(predictions.map(({ criterion, access }) => [criterion, access]).slice(0, 3)).toEqual([
      ["clean", "clean"],
      ["failing", "failing"],
      ["oracular", "oracle"],
    ]);
    const scores = await scoreAll(bench.source, results, items, ["failing"]);
    expect(new Set(scores.map(({ access }) => access))).toEqual(new Set(["failing"]));
  });

  it("a criterion that finds nothing to go by is stored with its note, and scored as guessing", async () => {
    const given: number[] = [];
    const lost: FailingCriterion = {
      ...{ name: "lost", title: "", kind: "own", access: "failing", needsData: true },
      localize: async (suspect, tests) => {
        given.push(tests.count);
        return nothingSuspicious(suspect.network);
      },
    };
    const { results } = await freshResults();
    const { bench } = makeBench();
    const [prediction] = await localizeAll(bench, results, items.slice(0, 1), [lost]);
    expect(given).toHaveLength(1);
    expect(prediction).toMatchObject({ native: [], note: "no failing test" });
    const rows = await scoreAll(bench.source, results, items.slice(0, 1), ["lost"]);
    for (const { auroc } of rows) if (auroc !== null) expect(auroc).toBe(0.5);
    expect(rows.some(({ auroc }) => auroc === 0.5)).toBe(true);
  });
});

describe("failing tests", () => {
  const fit: ImageSet = {
    count: 4,
    height: 2,
    width: 2,
    pixels: new Uint8Array(48),
    labels: Uint8Array.of(0, 1, 2, 3),
  };
  const trigger = {
    height: 2,
    width: 2,
    opacity: Float32Array.of(0, 0, 0, 1),
    pattern: new Uint8Array(12).fill(255),
  };
  /** Answers every image in turn, clean first. */
  const suspectAnswering = (clean: number[], triggered: number[]) => ({
    task: blind(classification),
    state: new Map(),
    clean: { fit, threshold: fit },
    runner: fakeRunner({
      outputs: async (_state, set) => {
        const answers = isTriggered(asImages(set), 0) ? triggered : clean;
        expect(set.count).toBe(answers.length);
        const logits = new Float32Array(10 * set.count);
        for (const [i, answer] of answers.entries()) logits[10 * i + answer] = 1;
        return logits;
      },
    }),
  });

  it("are right without the trigger and at the target with it; images of the target are not asked about", async () => {
    // Of the labels 1, 2, 3: the first stays right, the second was wrong before, the third is broken.
    const backdoor = { trigger, target: 0 };
    const broken = await failingTests(classification, suspectAnswering([1, 5, 3], [1, 0, 0]), backdoor);
    const tests = asImages(broken);
    expect([...tests.labels]).toEqual([3]);
    expect(isTriggered(tests, 0)).toBe(true);
    const none = await failingTests(classification, suspectAnswering([1, 2, 3], [7, 2, 3]), backdoor);
    expect(none.count).toBe(0);
  });
});
