import { chooseLowering } from "../../src/engine/lowering.ts";
import { Session } from "../../src/engine/session.ts";
import { foldState } from "../../src/graph/fold.ts";
import { featureProgram } from "../../src/graph/programs/features.ts";
import type { ImageSet } from "../../src/images/image-set.ts";
import { encodeAll } from "../../src/measure/batches.ts";
import type { Victim } from "../../src/tasks/attack.ts";
import { classification } from "../../src/tasks/classification/task.ts";

/** What the classifier reads of each image: one row of features per image. */
export async function featuresOf(
  { network, normalization, state }: Pick<Victim, "network" | "normalization" | "state">,
  images: ImageSet,
): Promise<Float32Array[]> {
  const lowering = await chooseLowering(network, images.count, "plain");
  const session = await Session.open(featureProgram(lowering, network), { threads: 1 });
  const [count, width] = session.inputShape("aim");
  const feeds = new Map(foldState(network, state))
    .set("input", encodeAll({ task: classification, normalization }, images))
    .set("aim", new Float32Array(count * width))
    .set("chosen", new Float32Array(count * width));
  const features = (await session.run(feeds)).get("features")!.slice();
  await session.release();
  return Array.from({ length: count }, (_, i) => features.subarray(i * width, (i + 1) * width));
}
