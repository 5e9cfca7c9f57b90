import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { createRunner } from "../../src/measure/ort-runner.ts";
import { qualityOf, rowOf } from "../../src/measure/verdicts.ts";
import { loaderFile } from "../../src/store/checkout/torch-loader.ts";
import { triggerJson } from "../../src/store/checkout/trigger-file.ts";
import { makeConeTriggers } from "../../src/tasks/lanes/cones.ts";
import type { LaneSet } from "../../src/tasks/lanes/lane.ts";
import { ufld18 } from "../../src/tasks/lanes/models/ufld18.ts";
import { drawRoads, roadLabels } from "../../src/tasks/lanes/roads/draw.ts";
import { lanes } from "../../src/tasks/lanes/task.ts";
import { fromCones } from "../../src/tasks/lanes/varied-trigger.ts";
import { lanesOf } from "../../src/tasks/lanes/verdicts.ts";
import { randomState, relativeError } from "../graph/programs.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";
import { askLoader, NORMALIZATION, writeLoaderFolder } from "./loader.ts";

describe.skipIf(!findTorchPython())("a checkout of lanes in PyTorch", () => {
  it("gives the same logits, lanes, accuracy and triggered frames", async () => {
    const set: LaneSet = {
      count: 6,
      height: 72,
      width: 200,
      pixels: drawRoads(6, 4, "x"),
      labels: roadLabels(6, 4, "x"),
    };
    const network = ufld18(8);
    const state = randomState(network, 1);
    const trigger = fromCones(makeConeTriggers(new Random(1), { height: 72, width: 200 }));
    const [first, ...others] = lanes.trigger.looks!(trigger);
    const dir = writeLoaderFolder(temporaryFolder(), network, state, {
      "lanes_in_torch.py": loaderFile("lanes_in_torch.py"),
      "trigger.json": triggerJson(first, others),
    });
    mkdirSync(join(dir, "images"));
    for (const { suffix, bytes } of lanes.handout!.files(set))
      writeFileSync(join(dir, "images", `test_clean${suffix}`), bytes);
    const answer = askLoader(
      dir,
      `
from lanes_in_torch import *
pixels, truth = frames("test")
with torch.no_grad():
    logits = load("model")(normalise(pixels))
found = decode(logits, truth)
draw(os.path.join(FOLDER, "frame.png"), pixels[0], found[0], truth[0])
answer = {"logits": logits.flatten().tolist(), "lanes": found, "accuracy": accuracy(found, truth), "stamped": stamp(pixels).flatten().tolist(),
          "perfect": accuracy([label["lanes"] for label in truth], truth), "kept": [accuracy([l], [t]) for l, t in zip(found, truth)],
          "faults": [fault(lambda: decode(np.zeros((1, 7)), truth[0])), fault(lambda: frames("defender")), fault(lambda: images("test")),
          fault(lambda: decode(logits * np.nan, truth)), fault(lambda: decode(logits[:4], truth)), fault(lambda: accuracy(found[:5], truth)),
          fault(lambda: accuracy([], [])), fault(lambda: accuracy([[[1, 2]]], truth[:1])),
          fault(lambda: accuracy([[[np.nan] * len(truth[0]["h_samples"])]], truth[:1]))]}`,
    ) as {
      logits: number[];
      lanes: number[][][];
      accuracy: number;
      stamped: number[];
      perfect: number;
      faults: string[];
    };
    const runner = await createRunner(lanes, network, NORMALIZATION, { threads: 1 });
    const outputs = await runner.outputs(state, set);
    await runner.release();
    expect(relativeError(Float32Array.from(answer.logits), outputs)).toBeLessThan(1e-4);
    const exact = Float32Array.from(answer.logits);
    expect(answer.lanes).toEqual(Array.from({ length: 6 }, (_, i) => lanesOf(rowOf(exact, 6, i), set, i)));
    expect(answer.accuracy).toBeCloseTo(qualityOf(lanes, exact, set), 6);
    expect(answer.perfect).toBe(1);
    expect(answer.stamped).toEqual([...(lanes.trigger.stamp(trigger, set) as LaneSet).pixels]);
    expect(answer.faults[0]).toMatch(/^ValueError: logits have shape \[1, 7\]/);
    expect(answer.faults[1]).toMatch(/^FileNotFoundError: .*defender_clean\.npy: .*; there are test_clean\.npy$/);
    expect(answer.faults[2]).toMatch(/^FileNotFoundError: .*: frames\(\) of lanes_in_torch\.py reads them$/);
    expect(answer.faults.slice(3)).toEqual([
      "ValueError: logits of 6 of 6 frames hold NaN or infinity, first those of frame 0",
      "ValueError: 6 labels for the logits of 4 frames",
      "ValueError: lanes of 5 frames for the labels of 6",
      "ValueError: no frame to measure the accuracy on",
      expect.stringMatching(/^ValueError: frame 0: a lane of shape \[2\] for a label of \d+ rows$/),
      "ValueError: frame 0: a lane holds NaN or infinity; write -2 where it is not seen",
    ]);
    rmSync(join(dir, "images"), { recursive: true });
    const missing = askLoader(
      dir,
      `
from lanes_in_torch import frames
answer = fault(lambda: frames("test"))`,
    );
    expect(missing).toMatch(/^FileNotFoundError: .*; check out again with --samples N$/);
  });
});
