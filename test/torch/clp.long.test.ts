import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { flatScores, indexNeurons } from "../../src/core/neuron-index.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { clp } from "../../src/localize/criteria/clp.ts";
import { readAnswer } from "../../src/pipeline/plugin/answer.ts";
import { writeSuspect } from "../../src/pipeline/plugin/folder.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { randomState } from "../graph/programs.ts";
import { suspectOf } from "../localize/suspects.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";

const SCRIPT = fileURLToPath(new URL("criteria.py", import.meta.url));

/**
 * On an exported model CLP equals docs/methods.md §10.5, as a decomposition makes it, to 1e-4; float64 gives far more.
 */
const TOLERANCE = 1e-9;

describe.skipIf(!findTorchPython()).each(["resnet18w8", "vgg13w8", "googlenetw6"])("clp on an exported %s", (arch) => {
  it("is what torch.linalg.svd makes of the files, channel by channel", async () => {
    const network = buildNetwork(arch, 7);
    const suspect = { ...suspectOf(randomState(network, 5)), network };
    const folder = temporaryFolder();
    writeSuspect(suspect, folder);
    execFileSync(findTorchPython()!.command, ["-B", SCRIPT, "--threads", "1", "clp-exact", folder]);

    const index = indexNeurons(neuronLayers(network));
    const theirs = readAnswer(folder, index.layers);
    const ours = await clp.localize(suspect);
    for (const what of ["raw", "scores"] as const) {
      const [mine, exact] = [flatScores(index, ours[what]), flatScores(index, theirs[what])];
      // Raw scores relative to themselves; z-scores, which cross 0, to the unit.
      const wrong = mine.map((u, i) => Math.abs(u - exact[i]) / (what === "raw" ? exact[i] : 1));
      expect(Math.max(...wrong)).toBeLessThan(TOLERANCE);
      expect(Math.max(...exact)).toBeGreaterThan(0);
    }
    expect(ours.native).toEqual(theirs.native);
  });
});
