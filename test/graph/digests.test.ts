import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exportOnnx } from "../../src/graph/export.ts";
import { BlockedLowering } from "../../src/graph/lowering/blocked.ts";
import type { Lowering } from "../../src/graph/lowering/lowering.ts";
import { PlainLowering } from "../../src/graph/lowering/plain.ts";
import { WebGpuLowering } from "../../src/graph/lowering/webgpu.ts";
import { narrowNetwork } from "../../src/graph/narrow.ts";
import { classifierOf, type Network, stateShapes, unitsOf } from "../../src/graph/network.ts";
import { climbing } from "../../src/graph/objectives/climbing.ts";
import { crossEntropy } from "../../src/graph/objectives/cross-entropy.ts";
import { squaredError } from "../../src/graph/objectives/squared-error.ts";
import type { Program } from "../../src/graph/onnx.ts";
import { finetuneProgram } from "../../src/graph/programs/finetune.ts";
import { trainProgram } from "../../src/graph/programs/train.ts";
import { unmetNeed } from "../../src/localize/needs.ts";
import { ARCHITECTURES } from "../../src/tasks/classification/models/registry.ts";
import { classification } from "../../src/tasks/classification/task.ts";
import { longIt } from "../setup/long.ts";
import { everyProgram, type NamedProgram } from "./every-program.ts";
import { NETWORKS, network } from "./small-networks.ts";

const BATCH = 8;

/** The block sizes are fixed, so that the digests are the same on every processor. */
const LOWERINGS: (() => Lowering)[] = [
  () => new PlainLowering(BATCH),
  () => new BlockedLowering(BATCH, 8),
  () => new BlockedLowering(BATCH, 16),
  () => new WebGpuLowering(BATCH),
];

/** What the shipped editions build with, and one that fills neither block in the narrow layers of GoogLeNet. */
const WIDTHS = [16, 8];

/** What the code asks for beyond {@link everyProgram}. */
function furtherPrograms(net: Network): NamedProgram[] {
  const units = unitsOf(net);
  const inside = units[Math.floor(units.length / 2)].id;
  const head = `${classifierOf(net).id}.`;
  const sgd = { momentum: 0.9, nesterov: false, weightDecay: 0 };
  const withoutHead = (key: string) => !key.startsWith(head);
  return [
    { name: "unlearning", make: (l) => trainProgram(l, net, { sgd, objective: climbing(crossEntropy) }).program },
    { name: "training of all but the head", make: (l) => trainProgram(l, net, { sgd, trains: withoutHead }).program },
    { name: "fine-tuning of one unit", make: (l) => finetuneProgram(l, net, new Map([[inside, 1]])) },
    ...narrowTwin(net, withoutHead),
  ];
}

/** Sub-networks are replaced where every neuron is a normalised convolution's. */
function narrowTwin(net: Network, trains: (key: string) => boolean): NamedProgram[] {
  if (unmetNeed({ needs: ["batch-norm", "convolution"] }, net, classification)) return [];
  const chain = narrowNetwork(net, Object.fromEntries(unitsOf(net).map(({ id }) => [id, [0]])));
  const make = (l: Lowering) => trainProgram(l, chain, { objective: squaredError, trains }).program;
  return [{ name: "the narrow twin", make }];
}

/** The first 16 digits of the SHA-256 of what the runtime gets: the model, and what goes in and out under which name. */
function digest({ model, inputs, outputs, packing }: Program): string {
  const interface_ = JSON.stringify([inputs, [...outputs], packing ?? null]);
  return createHash("sha256").update(model).update(interface_).digest("hex").slice(0, 16);
}

function digestsOf(net: Network): Record<string, string> {
  const rows = [...everyProgram(net), ...furtherPrograms(net)].map(({ name, make }): [string, string] => [
    name,
    LOWERINGS.map((lowering) => digest(make(lowering()))).join(" "),
  ]);
  const zeros = new Map(
    [...stateShapes(net)].map(([key, shape]) => [
      key,
      { shape, data: new Float32Array(shape.reduce((a, b) => a * b)) },
    ]),
  );
  const exported = exportOnnx(net, zeros);
  return {
    ...Object.fromEntries(rows),
    "the exported file": digest({ model: exported, inputs: [], outputs: new Map() }),
  };
}

const ALL: ReadonlyMap<string, () => Network> = new Map([
  ...[...ARCHITECTURES].flatMap(([name, make]) =>
    WIDTHS.map((width): [string, () => Network] => [`${name}w${width}`, () => make(width, 10)]),
  ),
  ...Object.entries(NETWORKS).map(([name, body]): [string, () => Network] => [name, () => network(body)]),
]);

/** Small ones of every operator, and one that is shipped. */
const QUICK = [...Object.keys(NETWORKS), "resnet18w8"];

/**
 * A change that is to leave every byte as it was leaves these digests. Where bytes are meant to change, raise
 * `LOWERING_REVISION` if the rounding does, and renew the file: `BDEFECTS_LONG=1 npx vitest run test/graph/digests.test.ts -u`.
 */
describe("programs are byte for byte as before", () => {
  it.each(QUICK)("%s", (name) => {
    const stored = JSON.parse(readFileSync(join(import.meta.dirname, "digests.json"), "utf8"));
    expect(digestsOf(ALL.get(name)!())).toEqual(stored[name]);
  });

  longIt("every network", async () => {
    const digests = Object.fromEntries([...ALL].map(([name, make]) => [name, digestsOf(make())]));
    await expect(`${JSON.stringify(digests, null, 2)}\n`).toMatchFileSnapshot("digests.json");
  });
});
