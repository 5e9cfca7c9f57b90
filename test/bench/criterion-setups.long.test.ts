import { expect, test } from "vitest";
import { CRITERION_SETUPS, criterionSetupName } from "../../bench/criterion-setups.ts";
import { torchCriteria } from "../../bench/criterion-side.ts";
import { spearman } from "../../bench/spearman.ts";
import { flatScores, indexNeurons } from "../../src/core/neuron-index.ts";
import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { neuronLayers } from "../../src/graph/network.ts";
import { writeSuspect } from "../../src/pipeline/plugin/folder.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";
import { suspectOf } from "../localize/suspects.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "../torch/find-python.ts";

const python = findTorchPython();
const CLASSES = 4;
const EFFORT: Record<string, Record<string, number>> = {
  nc: { epochs: 2, batch: 8, images: 24, rise: 24, walk: 16 },
  // One: its perturbation takes signs, and where a slope is within rounding of zero two runs part for good.
  anp: { iterations: 1, batch: 16 },
};
const RANKS: Record<string, number> = { anp: 0.98 };

function imagesOf(count: number, seed: number) {
  const random = new Random(seed);
  const draw = (length: number, below: number) => Uint8Array.from({ length }, () => random.below(below));
  return { count, height: 32, width: 32, pixels: draw(count * 3072, 256), labels: draw(count, CLASSES) };
}

test.skipIf(!python).each(["resnet18w4", "vgg13w4"])(
  "PyTorch's ways to run a criterion on %s give the same scores by as many passes",
  async (arch) => {
    const network = buildNetwork(arch, CLASSES);
    const state = initialState(network, new Random(3));
    const clean = { fit: imagesOf(32, 1), threshold: imagesOf(16, 2) };
    const folder = temporaryFolder();
    writeSuspect({ ...suspectOf(state), network, clean }, folder);
    const index = indexNeurons(neuronLayers(network));
    const side = await torchCriteria(python!.command, folder, 1, "default");
    try {
      for (const [criterion, [plain, ...others]] of Object.entries(CRITERION_SETUPS)) {
        const run = async ({ allocator: _, ...way }: typeof plain) => {
          const answer = await side.localize({ ...way, seed: 5, ...EFFORT[criterion] });
          return { ...answer, raw: flatScores(index, answer.raw) };
        };
        const expected = await run(plain);
        // Twice: what the first run did to the model must be gone.
        for (const setup of [plain, ...others, ...others]) {
          const { raw, passes } = await run(setup);
          const name = criterionSetupName(setup);
          expect(passes, name).toBe(expected.passes);
          if (criterion === "clp") {
            expect(Math.max(...raw.map((u, i) => Math.abs(u / expected.raw[i] - 1))), name).toBeLessThan(1e-5);
          } else expect(spearman(raw, expected.raw), name).toBeGreaterThan(RANKS[criterion] ?? 0.999);
        }
      }
    } finally {
      side.kill();
    }
  },
);
