import type { ModelRunner } from "../src/measure/runner.ts";

/** A runner, and how many images have gone through it. */
export interface CountingRunner extends ModelRunner {
  passes: number;
}

/** Counts images, so that two sides of a comparison can be seen to have done the same work. */
export function countPasses(runner: ModelRunner, imageLength: number): CountingRunner {
  const counted = <T>(images: number, result: T): T => {
    counting.passes += images;
    return result;
  };
  const counting: CountingRunner = {
    passes: 0,
    outputs: (state, images) => counted(images.count, runner.outputs(state, images)),
    taps: (state, images, kind) => counted(images.count, runner.taps(state, images, kind)),
    profile: (state, images) => counted(images.count, runner.profile(state, images)),
    quality: (state, images) => counted(images.count, runner.quality(state, images)),
    contribution: (state, images) => counted(images.count, runner.contribution(state, images)),
    preActivations: (state, images) => counted(images.count, runner.preActivations(state, images)),
    gains(state, statistics) {
      const gains = runner.gains(state, statistics);
      return {
        at: (batch, gain, shift) => counted(batch.inputs.length / imageLength, gains.at(batch, gain, shift)),
      };
    },
    blend(state) {
      const blend = runner.blend(state);
      return {
        at: (images, target, opacity, pattern) =>
          counted(images.length / imageLength, blend.at(images, target, opacity, pattern)),
        together: (blends) =>
          counted(blends.reduce((sum, { images }) => sum + images.length, 0) / imageLength, blend.together(blends)),
        toward: (images, ...rest) => counted(images.length / imageLength, blend.toward(images, ...rest)),
      };
    },
    agreement(state) {
      const agreement = runner.agreement(state);
      return {
        at: (images, ...rest) => counted(images.length / imageLength, agreement.at(images, ...rest)),
      };
    },
    response: (state, images, target) => counted(images.count, runner.response(state, images, target)),
    eachPosition: (state, samples, ...rest) => counted(samples.count, runner.eachPosition(state, samples, ...rest)),
    words(state) {
      const words = runner.words(state);
      return {
        width: words.width,
        vectorOf: (word) => words.vectorOf(word),
        at: (opened, chosen, ...rest) => counted(chosen.length, words.at(opened, chosen, ...rest)),
      };
    },
    // Parts of passes, which are no images: bench/mutants.ts times them.
    rewrites: (state, images) => runner.rewrites(state, images),
    scalings: (state, samples) => runner.scalings(state, samples),
  };
  return counting;
}
