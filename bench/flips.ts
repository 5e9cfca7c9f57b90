import { Command } from "commander";
import { dataOption, dbOption } from "../src/cli/options.ts";
import { InputError } from "../src/core/errors.ts";
import { flatScores, indexNeurons } from "../src/core/neuron-index.ts";
import { neuronLayers } from "../src/graph/network.ts";
import { firstOf, indicesOutside, subset } from "../src/images/batch.ts";
import { asImages, type ImageSet } from "../src/images/image-set.ts";
import { carriedAndAmplified } from "../src/localize/criteria/attribution.ts";
import { clp } from "../src/localize/criteria/clp.ts";
import { shareInClass } from "../src/measure/classes.ts";
import { withJudging } from "../src/pipeline/judging/judge.ts";
import { openSubject } from "../src/pipeline/judging/subject.ts";
import { ATTRIBUTION_IMAGES, attributionBetween } from "../src/reversal/attribution.ts";
import { EFFORT } from "../src/reversal/effort.ts";
import { stampPatch } from "../src/reversal/stamp.ts";
import { withImages } from "../src/reversal/subject.ts";
import { reverseTowards } from "../src/reversal/targeted.ts";
import { agreementAtK } from "../src/score/agreement-at-k.ts";
import { restrictContributions } from "../src/score/wji.ts";
import { trigger as codec } from "../src/tasks/classification/trigger.ts";
import { Flips } from "./image-flips.ts";
import { runBench } from "./run.ts";

/**
 * `npx tsx bench/flips.ts ID… --db DB --data DATA`: what attribution is worth where images are brought to the true target by other means than a patch.
 * Prints a row of JSON for each defect, version and means: WJI of the top-k set by z(A) with half of CLP's evidence, against the effective neurons, and the
 * share of images that go to the target. `true` stamps the true trigger; `patch` one that is reversed; `added` one picture added to all images; `near` and
 * `far` move each image by itself, within 0.25 and 1. Whoever knows the target knows more than a criterion may.
 */

const SEED = 1;

const program = new Command("flips")
  .description("Attribution under patches, additions and moves of single images")
  .argument("<id...>", "accepted defects with effective neurons and a sham")
  .addOption(dbOption())
  .addOption(dataOption());

await runBench(program, main);

async function main({ db, data }: { db: string; data: string }, ids: string[]): Promise<void> {
  await withJudging({ db, data, seed: SEED, threads: 1 }, async ({ bench, database }) => {
    for (const id of ids) {
      const record = database.readDefect(id);
      const { infected, effective, contribution } = database.readLabels(id);
      if (!effective) throw new InputError(`${id} has no effective neurons; leave it out`);
      const { target } = record;
      const weights = restrictContributions(infected, contribution, effective);
      const trigger = await database.readTrigger(record, codec.decode);
      for (const version of ["infected", "sham"] as const) {
        const subject = openSubject(bench, { id, version });
        const suspect = withImages(await bench.suspect(await subject.model(), await subject.dataset()));
        const { network, state, runner, clean } = suspect;
        const index = indexNeurons(neuronLayers(network));
        const images = firstOf(subset(clean.fit, indicesOutside(clean.fit, target)), ATTRIBUTION_IMAGES);
        const before = await runner.response(state, images, target);
        const { scores: amplified } = await clp.localize(suspect);
        const tell = async (means: string, changed: ImageSet) => {
          const after = await runner.response(state, changed, target);
          const scores = carriedAndAmplified(attributionBetween(before, after), amplified);
          const { wji } = agreementAtK(index, flatScores(index, scores), effective, weights, "global");
          const there = shareInClass(await runner.outputs(state, changed), changed.count, target);
          process.stdout.write(`${JSON.stringify({ id, version, attack: record.attack, means, wji, there })}\n`);
        };
        const flips = new Flips(suspect, target);
        await tell("true", asImages(codec.stamp(trigger, images)));
        await tell(
          "patch",
          stampPatch(await reverseTowards(suspect, runner.blend(state), target, EFFORT.full.steps), images),
        );
        await tell("added", await flips.added(images));
        await tell("near", await flips.moved(images, 0.25));
        await tell("far", await flips.moved(images, 1));
        await flips.release();
      }
    }
  });
}
