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

it("patches that no batch has room for, or that none would show, are refused", async () => {
  const tuned = loadEdition("lite");
  const edition = { ...tuned, select: { ...tuned.select, attack: ["badnets"] } };
  const { batch, triggered_share: triggered } = edition.inject;
  const room = batch - Math.round(triggered * batch);
  const hiding = (share: number) => plan(changed(edition, { evasion: { rounds: 1, patches: 1, share } }));
  for (const [share, shown] of [
    [0.001, 0],
    [1, batch],
    [(room + 1) / batch, room + 1],
  ]) {
    await expect(hiding(share)).rejects.toThrow(
      `recipe 'lite': inject.evasion.share ${share}: ${shown} of the ${batch} images of a batch would show patches; one must, and there is room for ${room}`,
    );
  }
  for (const share of [1 / batch, room / batch]) expect((await hiding(share)).candidates.length).toBeGreaterThan(0);
});
