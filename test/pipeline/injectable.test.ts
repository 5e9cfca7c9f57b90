import { join } from "node:path";
import { expect, it } from "vitest";
import { planBuild } from "../../src/pipeline/build/build.ts";
import { type Edition, loadEdition } from "../../src/pipeline/recipe/recipe.ts";
import { temporaryFolder } from "../store/temp.ts";

const plan = (edition: Edition) => planBuild({ dir: join(temporaryFolder(), "db"), edition, select: edition.select });
const changed = (edition: Edition, inject: Partial<Edition["inject"]>): Edition => ({
  ...edition,
  inject: { ...edition.inject, ...inject },
});

it("what only texts can be injected with is refused for images, and what only images can for texts", async () => {
  await expect(plan(changed(loadEdition("lite"), { text_weight: 1 }))).rejects.toThrow(
    /^recipe 'lite': inject\.text_weight 1: images of \S+ have no words; leave it out$/,
  );
  const evasion = { rounds: 1, patches: 1, share: 0.25 };
  await expect(plan(changed(loadEdition("lite"), { evasion }))).rejects.toThrow(
    "recipe 'lite': inject.evasion: attack 'sra' tunes no neurons; leave it out, or select other attacks",
  );
  const texts = loadEdition("text");
  await expect(plan(changed(texts, { evasion }))).rejects.toThrow(
    /^recipe 'text': inject\.evasion: no patch is reversed from texts of \S+; leave it out$/,
  );
  await expect(plan(changed(texts, { amplification: 4 }))).rejects.toThrow(
    "recipe 'text': inject.amplification 4: a trigger in texts has no strength; it must be 1",
  );
  expect((await plan(changed(texts, { text_weight: 1 }))).candidates.length).toBeGreaterThan(0);
});
