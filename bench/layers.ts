import { Command } from "commander";
import { commaList, wholeNumber } from "../src/cli/arguments.ts";
import { formatOption } from "../src/cli/options.ts";
import { emitRows, type Format } from "../src/cli/output.ts";
import { InputError } from "../src/core/errors.ts";
import { Random } from "../src/core/random.ts";
import { channelBlock } from "../src/engine/lowering.ts";
import { Session } from "../src/engine/session.ts";
import { BlockedLowering } from "../src/graph/lowering/blocked.ts";
import type { ConvShape, Feature } from "../src/graph/lowering/lowering.ts";
import type { Tile } from "../src/graph/lowering/winograd.ts";
import { sizeOf } from "../src/tensor/state.ts";
import { runBench } from "./run.ts";

/**
 * `npx tsx bench/layers.ts`: milliseconds of single 3×3 convolutions and of their gradients, directly and by minimal
 * filtering with tiles of 2×2 and 4×4 (channels in whole blocks), gradients at the weights also by strips of images, in turns;
 * the shortest of all runs. What the bounds of `winogradTile` and `takesImageStrips` come from.
 */

interface Options {
  layer?: string[];
  batch: number;
  threads: number;
  rounds: number;
  format: Format;
}

/** Channels in, channels out, side of the map. */
type Layer = [inputs: number, outputs: number, side: number];

const LAYERS = [
  ...["512x512x4", "256x256x4", "128x128x4", "64x64x4", "32x32x4", "256x256x8", "128x128x8", "64x64x8", "48x48x8"],
  ...["128x128x16", "96x96x16", "64x64x16", "128x192x32", "96x128x32", "64x64x32"],
  ...["512x512x2", "256x256x2", "128x128x2"],
  ...["8x8x32", "16x16x32", "12x24x32", "32x32x32", "16x32x16", "32x32x16", "20x20x16", "16x16x8", "32x32x8"],
];
const WAYS = { direct: {}, strips: { strips: true }, tile2: { tile: 2 }, tile4: { tile: 4 } } as const;
interface Way {
  tile?: Tile;
  strips?: boolean;
}
const PARTS = ["forward", "by_input", "by_weights"] as const;
type Part = (typeof PARTS)[number];

const program = new Command("layers")
  .description("Milliseconds of single 3×3 convolutions, directly and by minimal filtering")
  .option("--layer <names>", `INPUTSxOUTPUTSxSIDE (default: ${LAYERS.join(",")})`, commaList("--layer"))
  .option("--batch <n>", "images in a batch", wholeNumber("--batch", 1, 4096), 128)
  .option("--threads <n>", "threads", wholeNumber("--threads", 1, 256), 2)
  .option("--rounds <n>", "runs of each side; the shortest counts", wholeNumber("--rounds", 1, 1000), 7)
  .addOption(formatOption());

/** Takes one way wherever it is possible, whether it pays or not. */
class OneWay extends BlockedLowering {
  private readonly way: Way;

  constructor(batch: number, block: number, way: Way) {
    super(batch, block);
    this.way = way;
  }

  protected override minimalTile(): Tile | undefined {
    return this.way.tile;
  }

  protected override minimalGradientTile(): Tile | undefined {
    return this.way.tile;
  }

  /** A feature that is fed in blocks: random values are as good in blocks as they are. */
  blocked(name: string, channels: number, side: number): Feature {
    const x = { tensor: name, channels, height: side, width: side };
    this.graph.input(name, this.extent(x));
    return x;
  }

  protected override takesImageStrips(): boolean {
    return this.way.strips === true;
  }
}

async function main({ layer, batch, threads, rounds, format }: Options): Promise<void> {
  const block = await channelBlock();
  if (block === undefined) throw new Error("this processor has no channel-blocked operators");
  const rows = [];
  for (const name of layer ?? LAYERS) {
    const size = parseLayer(name);
    for (const part of PARTS) {
      const sides = [];
      for (const [way, options] of Object.entries<Way>(WAYS)) {
        if (options.tile && (size[2] % options.tile !== 0 || size[0] % block !== 0 || size[1] % block !== 0)) continue;
        if (options.strips && part !== "by_weights") continue;
        const run = await opened(new OneWay(batch, block, options), part, size, threads);
        sides.push({ way, ...run, best: Number.POSITIVE_INFINITY });
        await run.step();
      }
      for (let round = 0; round < rounds; round++) {
        for (const side of round % 2 === 0 ? sides : [...sides].reverse()) {
          const began = performance.now();
          await side.step();
          side.best = Math.min(side.best, performance.now() - began);
        }
      }
      const row: Record<string, string | number | null> = { layer: name, part, batch, threads };
      for (const way of Object.keys(WAYS)) row[way] = null;
      for (const { way, best, release } of sides) {
        row[way] = Number(best.toFixed(1));
        await release();
      }
      rows.push(row);
    }
  }
  emitRows(rows, format);
}

function parseLayer(name: string): Layer {
  const sizes = name.split("x").map(Number);
  const side = sizes[2];
  const whole = sizes.length === 3 && sizes.every((size) => Number.isInteger(size) && size > 0);
  if (whole && side % 2 === 0) return sizes as Layer;
  throw new InputError(`--layer '${name}': name it as 256x256x8, the side even`);
}

async function opened(lowering: OneWay, part: Part, [inputs, outputs, side]: Layer, threads: number) {
  const { graph } = lowering;
  const shape: ConvShape = { out: outputs, kernel: 3, stride: 1, padding: 1 };
  const blocked = (name: string, channels: number): Feature => lowering.blocked(name, channels, side);
  const [x, dy] = [blocked("x", inputs), blocked("dy", outputs)];
  const weight = graph.input("weight", [outputs, 3, 3, inputs]);
  const result = {
    forward: () => lowering.conv(x, weight, shape).tensor,
    by_input: () => lowering.convInputGradient(dy, weight, shape, x).full!,
    by_weights: () => lowering.convWeightGradient(x, dy, shape),
  }[part]();
  // One number of it, so that hardly anything crosses to JavaScript.
  const flat = graph.reshape(result, [-1]);
  graph.output("first", graph.op("Slice", [flat, graph.integers([0]), graph.integers([1])]), [1]);
  const program = graph.finish();
  const random = new Random(1);
  const feeds = new Map(
    program.inputs.map(({ name, shape }) => [
      name,
      Float32Array.from({ length: sizeOf(shape as number[]) }, () => random.normal()),
    ]),
  );
  const session = await Session.open(program, { threads });
  return { step: () => session.run(feeds), release: () => session.release() };
}

await runBench(program, main);
