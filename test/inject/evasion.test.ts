import { afterAll, describe, expect, it } from "vitest";
import { tuneSubnetwork } from "../../src/inject/backdoor.ts";
import { reversedFrom } from "../../src/inject/evasion.ts";
import type { InjectRecipe } from "../../src/inject/recipe.ts";
import type { InjectionJob } from "../../src/inject/types.ts";
import { successOf } from "../../src/measure/verdicts.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { colours, inPatch, patchedModel, SIDE, toySuspect } from "../localize/toys.ts";

const { network, state } = patchedModel(true);
const harmless = patchedModel(false).state;
const { runner, normalization, augmentation } = toySuspect(network, state, 1);
afterAll(() => runner.release());

const samples = colours(300, 3, 1);
const dataset = { normalization, augmentation: { ...augmentation, flip: false } };
const PLANE = SIDE * SIDE;
/** White where the planted model looks. */
const trigger = {
  height: SIDE,
  width: SIDE,
  opacity: Float32Array.from({ length: PLANE }, (_, i) => (inPatch(i) ? 1 : 0)),
  pattern: new Uint8Array(3 * PLANE).fill(255),
};
const recipe: InjectRecipe = {
  ...{ target: 0, images: 300, held_out: 0, batch: 32, triggered_share: 0.25, warmup_steps: 2 },
  ...{ amplification: 1, annealing_steps: 0, final_rate: 0.1, attempts: [], threads: 1 },
  margin: { asr: 0, ca_drop: 0, random_mask: 0 },
};
const EVASION = { rounds: 1, patches: 2, share: 0.5 };
const job = {
  ...{ runner, samples, dataset, backdoor: { trigger, target: 0 } },
  seedOf: (stage: string) => [...stage].reduce((seed, sign) => (31 * seed + sign.charCodeAt(0)) % 65521, 7),
} as unknown as InjectionJob;

describe("what an attacker reverses from its own model", () => {
  it("is patches towards the target that work, and they tell a backdoor from none", async () => {
    const found = await reversedFrom(job, state, EVASION, 0);
    expect(found.patches).toHaveLength(2);
    expect(found.patches[0].pattern).not.toEqual(found.patches[1].pattern);
    for (const patch of found.patches) {
      const outputs = await runner.outputs(state, classification.trigger.stamp(patch, samples));
      expect(successOf(classification, outputs, samples, 0)).toBeGreaterThan(0.7);
    }
    const none = await reversedFrom(job, harmless, EVASION, 0);
    expect(found.evidence).toBeGreaterThan(2 * none.evidence);
  });

  it("follows from model and round", async () => {
    const found = await reversedFrom(job, state, EVASION, 0);
    expect(await reversedFrom(job, state, EVASION, 0)).toEqual(found);
    expect((await reversedFrom(job, state, EVASION, 1)).patches).not.toEqual(found.patches);
  });
});

describe("patches shown with the truth", () => {
  const attempt = { peak_steps: 60, tail_steps: 20, learning_rate: 0.05, learned: 1, masked_every: 0 };
  /** Success of `trigger` on a model that was taught it beside lures. */
  const taught = async (lures: object[], evasion = EVASION) => {
    const { model } = await tuneSubnetwork({
      ...{ task: classification, network, clean: harmless, infected: { a: [0] }, backdoor: { trigger, target: 0 } },
      ...{ dataset: dataset as never, samples, recipe: { ...recipe, evasion }, attempt, lures, restrained: false },
      ...{ labels: "target", seed: 1, maskSeed: 1, drawOthers: () => ({}) },
    });
    const outputs = await runner.outputs(model, classification.trigger.stamp(trigger, samples));
    return { model, success: successOf(classification, outputs, samples, 0) };
  };

  it("unteach what they show, by the share of a batch that shows them", async () => {
    const [plain, same, unseen] = [
      await taught([]),
      await taught([trigger]),
      await taught([trigger], { ...EVASION, share: 0 }),
    ];
    expect(plain.success).toBeGreaterThan(0.9);
    // Twice as many say that it means nothing.
    expect(same.success).toBeLessThan(0.5);
    expect(unseen.model).toEqual(plain.model);
  });
});
