import { InputError } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import type { Network } from "../src/graph/network.ts";
import { CONTEXT } from "../src/tasks/language/context.ts";
import type { TextDataset } from "../src/tasks/language/dataset.ts";
import { glosses } from "../src/tasks/language/datasets/glosses.ts";
import { ownLlama } from "../src/tasks/language/models/llama.ts";
import { VOCABULARY } from "../src/tasks/language/tokenizer/file.ts";
import type { StateDict } from "../src/tensor/state.ts";
import { LanguageTrainer } from "../src/tune/language-trainer.ts";
import { CLASSES } from "./classes.ts";
import type { Job } from "./job.ts";

/** Batches that are gone through in turn. */
const BATCHES = 4;

/** A network that reads texts, and the lengths of real ones. @throws InputError where PyTorch's side lacks the network */
export async function preparedTexts(arch: string, batch: number): Promise<NonNullable<Job["texts"]>> {
  const [, layers, width] = /^llama(\d+)d(\d+)$/.exec(arch) ?? [];
  if (!layers) throw new InputError(`--arch ${arch}: of language models only Llama's layout is timed, e.g. llama4d128`);
  const { train } = (await glosses.load({ dataDir: "", seed: 1 })) as TextDataset;
  const lengths = train.tokens.slice(0, BATCHES * batch).map(({ length }) => Math.min(length, CONTEXT - 2));
  return { shape: ownLlama(Number(layers), Number(width), VOCABULARY + CLASSES, CONTEXT), lengths };
}

/** A step of clean training on drawn tokens. */
export function textStep(
  network: Network,
  state: StateDict,
  lengths: readonly number[],
  { batch, threads }: Pick<Job, "batch" | "threads">,
): () => Promise<unknown> {
  const random = new Random(2);
  const { classes: vocabulary } = network;
  const { height } = network.input;
  const batches = Array.from({ length: lengths.length / batch }, (_, b) => {
    const inputs = new Float32Array(batch * height * 2);
    const targets = new Float32Array(batch * vocabulary);
    for (let i = 0; i < batch; i++) {
      const mark = lengths[b * batch + i] + 1;
      for (let t = 0; t <= mark; t++) inputs[2 * (i * height + t)] = random.below(vocabulary);
      inputs[2 * (i * height + mark) + 1] = 1;
      targets[i * vocabulary + random.below(vocabulary)] = 1;
    }
    return { inputs, targets };
  });
  const trainer = new LanguageTrainer(network, state, { batch, threads, momentum: 0.9, weightDecay: 0.1 });
  let taken = 0;
  return () => {
    const { inputs, targets } = batches[taken++ % batches.length];
    return trainer.step(inputs, targets, 1e-4);
  };
}
