import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Random } from "../src/core/random.ts";
import { chooseLowering } from "../src/engine/lowering.ts";
import { Session } from "../src/engine/session.ts";
import { foldState } from "../src/graph/fold.ts";
import type { Network } from "../src/graph/network.ts";
import { inferProgram } from "../src/graph/programs/infer.ts";
import { initialState } from "../src/models/init.ts";
import { buildNetwork } from "../src/models/registry.ts";
import { trainClean } from "../src/train/clean.ts";
import { SubnetworkTuner } from "../src/tune/subnetwork.ts";
import { Trainer } from "../src/tune/trainer.ts";
import { noiseDataset, preparedBatches } from "./data.ts";
import type { Job, Turn } from "./job.ts";

/** Our side of a comparison: see `contestant.ts` for the protocol. */

const WARM_UP_STEPS = 3;
/** Small, so that training on noise stays finite however long it goes on. */
const LEARNING_RATE = 1e-4;
const SGD = { momentum: 0.9, nesterov: true, weightDecay: 5e-4 };

const job = JSON.parse(process.argv[2]) as Job;
const network = buildNetwork(job.arch, job.classes);
const commands = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);

if (job.what === "loop") await runLoop();
else await runSteps(await stepOf(network));
say({ peak_mib: peakMib() });
process.exit();

/** The next turn's length in seconds; undefined at the end. */
async function nextTurn(): Promise<number | undefined> {
  const { value, done } = await commands.next();
  return done || value === "end" ? undefined : Number(value);
}

async function stepOf(network: Network): Promise<() => Promise<unknown>> {
  const { batch, threads } = job;
  const state = initialState(network, new Random(1));
  const batches = preparedBatches(network, batch, 4);
  let taken = 0;
  const next = () => batches[taken++ % batches.length];
  if (job.what === "train") {
    const trainer = await Trainer.create(network, state, { ...SGD, batch, threads });
    return () => {
      const { images, targets } = next();
      return trainer.step(images, targets, LEARNING_RATE);
    };
  }
  if (job.what === "finetune") {
    const tuner = await SubnetworkTuner.create(network, state, job.neurons, { batch, threads });
    return () => {
      const { images, targets } = next();
      return tuner.step(images, targets, LEARNING_RATE);
    };
  }
  const session = await Session.open(inferProgram(await chooseLowering(network, batch), network), { threads });
  const feeds = foldState(network, state);
  return () => session.run(feeds.set("input", next().images));
}

async function runSteps(step: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < WARM_UP_STEPS; i++) await step();
  say({});
  for (let length = await nextTurn(); length !== undefined; length = await nextTurn()) {
    const began = performance.now();
    const turn: Turn = { samples: 0, seconds: 0 };
    while (turn.seconds < length) {
      await step();
      turn.samples += job.batch;
      turn.seconds = (performance.now() - began) / 1000;
    }
    say(turn);
  }
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
    await trainClean(network, noiseDataset(network, epoch_batches * batch), recipe, 1, {
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

/** Linux's own account of this program; elsewhere what the process was charged. */
function peakMib(): number {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024;
  }
}
