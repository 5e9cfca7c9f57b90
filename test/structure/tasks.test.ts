import { describe, expect, it } from "vitest";
import { ARCHITECTURES, ATTACKS, DATASETS, TASKS } from "../../src/tasks/registry.ts";
import { importsOf, sourcesBelow, textOf } from "./sources.ts";

/** What works for any task. */
const STAGES = ["measure", "train", "inject", "reversal", "localize", "repair"];

/** What only a task may speak of. */
const OF_A_TASK = /\b(classes|pixels|logits)\b|\btarget ===/;

/** Files that are about images with classes, and why: each declares it, or is asked by criteria alone that do. */
const ABOUT_CLASSES: Record<string, string> = {
  "src/localize/needs.ts": "the names of what criteria need",
  "src/localize/criteria/nc.ts": "Neural Cleanse tries every class; its note counts pixels",
  "src/localize/nc/invert-trigger.ts": "Neural Cleanse: all classes, the smallest patch of them",
  "src/localize/criteria/attribution.ts": "goes by a trigger reversed towards a class; its note counts pixels",
  "src/measure/blend.ts": "patches blended into images, towards a class",
  "src/measure/agreement.ts": "patches blended into images, towards any class in common",
  "src/repair/look.ts": "of excise: a reversed patch on images",
  "src/repair/outputs.ts": "of excise: how far a patch's class leads",
  "src/repair/unlearning.ts": "of excise: a reversed patch on images",
  "src/reversal/once-per-model.ts": "of a patch reversed towards a class",
  "src/reversal/reverse.ts": "a patch reversed towards the class for which most speaks",
  "src/reversal/screening.ts": "a look at every class",
  "src/reversal/stamp.ts": "a reversed patch on images",
  "src/reversal/untargeted.ts": "a patch towards any class in common",
  "src/reversal/words/pull.ts": "how a word pulls texts to every class",
  "src/reversal/words/reverse.ts": "the word that pulls to a class as none does to another",
};

/** Code without comments, strings in which nothing is computed, and what a criterion declares that it needs. */
function codeOf(file: string): string {
  return textOf(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/\/\/.*$/gm, "")
    .replaceAll(/^import .*$/gm, "")
    .replaceAll(/^ *needs: \[.*\],$/gm, "");
}

const stages = sourcesBelow("src").filter((file) => STAGES.includes(file.split("/")[1]));

describe("stages", () => {
  it("speak of samples, outputs and targets, and of classes only where they say why", () => {
    const found = stages.filter((file) => OF_A_TASK.test(codeOf(file)));
    expect(found.sort()).toEqual(Object.keys(ABOUT_CLASSES).sort());
  });

  it("know what all tasks share, and no task", () => {
    const taken = stages.flatMap((file) => importsOf(file)).filter(({ to }) => to.startsWith("src/tasks/"));
    expect(taken.length).toBeGreaterThan(20);
    const beyond = taken.filter(({ to }) => to.split("/").length > 3 || to === "src/tasks/registry.ts");
    expect(beyond.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });
});

describe("tasks", () => {
  it("have names of their own for data sets, architectures and attacks", () => {
    const count = (of: "datasets" | "architectures" | "attacks") =>
      [...TASKS.values()].reduce((sum, task) => sum + task[of].size, 0);
    expect([DATASETS.size, ARCHITECTURES.size, ATTACKS.size]).toEqual([
      count("datasets"),
      count("architectures"),
      count("attacks"),
    ]);
  });

  it("know nothing of each other", () => {
    const between = sourcesBelow("src/tasks")
      .flatMap((file) => importsOf(file))
      .filter(({ from, to }) => {
        const [own, other] = [from, to].map((file) => /^src\/tasks\/([^/]+)\//.exec(file)?.[1]);
        return own !== undefined && other !== undefined && own !== other;
      });
    expect(between.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });
});
