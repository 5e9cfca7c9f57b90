import { Random } from "../src/core/random.ts";
import { computeOn } from "../src/engine/device.ts";
import { chooseLowering } from "../src/engine/lowering.ts";
import { Session } from "../src/engine/session.ts";
import { activationBytes } from "../src/graph/cost.ts";
import { foldState } from "../src/graph/fold.ts";
import { initialState } from "../src/graph/initial-state.ts";
import type { Network } from "../src/graph/network.ts";
import { inferProgram, tapProgram } from "../src/graph/programs/infer.ts";
import { classification } from "../src/tasks/classification/task.ts";
import { buildNetwork, taskOf } from "../src/tasks/registry.ts";
import { trainClean } from "../src/train/clean.ts";
import { AdamTrainer } from "../src/tune/adam-trainer.ts";
import { SubnetworkTuner } from "../src/tune/subnetwork.ts";
import { Trainer } from "../src/tune/trainer.ts";
import { classTargets, laneTargets, noiseDataset, preparedBatches, WEIGHTS_SEED } from "./data.ts";
import type { Turn, Warm } from "./job.ts";
import { textStep } from "./texts.ts";
import { finish, job, nextTurn, runSteps, say } from "./turns.ts";

/** Our side of a comparison. */

/** Small, so that training on noise stays finite however long it goes on. */
const LEARNING_RATE = 1e-4;
const ADAM = { momentum: 0.9, weightDecay: 1e-4 };
const SGD = { momentum: 0.9, nesterov: true, weightDecay: 5e-4 };

computeOn(job.device);
const network = buildNetwork(job.arch, job.classes);

if (job.what === "loop") await runLoop();
else {
  const { step, warm } = await stepOf(network);
  await runSteps(step, warm);
}
finish();

async function stepOf(network: Network): Promise<{ step: () => Promise<unknown>; warm?: Warm }> {
  const { batch, threads } = job;
  const state = initialState(network, new Random(WEIGHTS_SEED));
  if (job.texts) return { step: textStep(network, state, job.texts.lengths, job) };
  const batches = preparedBatches(network, batch, 4, job.task === "lanes" ? laneTargets : classTargets);
  let taken = 0;
  const next = () => batches[taken++ % batches.length];
  if (job.what === "train") {
    const { objective } = taskOf(job).loss;
    const trainer =
      job.task === "lanes"
        ? await AdamTrainer.create(network, state, { ...ADAM, batch, threads, objective })
        : await Trainer.create(network, state, { ...SGD, batch, threads });
    const step = () => {
      const { images, targets } = next();
      return trainer.step(images, targets, LEARNING_RATE);
    };
    return { step };
  }
  if (job.what === "finetune") {
    const tuner = await SubnetworkTuner.create(network, state, job.neurons, { batch, threads });
    const step = () => {
      const { images, targets } = next();
      return tuner.step(images, targets, LEARNING_RATE);
    };
    return { step };
  }
  const program = job.what === "infer" ? tapProgram : inferProgram;
  const session = await Session.open(program(await chooseLowering(network, batch), network), {
    threads,
    activationBytes: activationBytes(network, batch),
  });
  const feeds = foldState(network, state);
  const step = () => session.run(feeds.set("input", next().images));
  return { step, warm: { logits: [...(await step()).get("logits")!] } };
}

/** `trainClean` itself, held up after each epoch until more is asked for; the first epoch warms up. */
async function runLoop(): Promise<void> {
  const { batch, threads, epoch_batches } = job;
  const recipe = {
    epochs: 1_000_000,
    batch,
    learning_rate: LEARNING_RATE,
    warmup: 0,
    momentum: SGD.momentum,
    nesterov: SGD.nesterov,
    weight_decay: SGD.weightDecay,
    label_smoothing: 0.05,
    threads,
  };
  const stop = new Error("enough");
  let warm = false;
  let length: number | undefined;
  let turn: Turn = { samples: 0, seconds: 0 };
  try {
    await trainClean(classification, network, noiseDataset(network, epoch_batches * batch), recipe, 1, {
      async onEpoch({ history }) {
        if (warm) {
          turn.samples += epoch_batches * batch;
          turn.seconds += history[history.length - 1].seconds;
          if (turn.seconds < length!) return;
          say(turn);
        } else say({});
        warm = true;
        turn = { samples: 0, seconds: 0 };
        length = await nextTurn();
        if (length === undefined) throw stop;
      },
    });
  } catch (error) {
    if (error !== stop) throw error;
  }
}
