import type { Random } from "../core/random.ts";
import { type Network, stateShapes } from "../graph/network.ts";
import { type StateDict, sizeOf } from "../tensor/state.ts";

/** Fresh weights as PyTorch's defaults draw them: conv and linear ~ U(±1/√fan_in), batch norm γ = 1, β = 0, μ = 0, σ² = 1. */
export function initialState(network: Network, random: Random): StateDict {
  const state: StateDict = new Map();
  const shapes = stateShapes(network);
  let fanIn = 1;
  for (const [key, shape] of shapes) {
    const data = new Float32Array(sizeOf(shape));
    const isBatchNorm = shapes.has(key.replace(/[^.]+$/, "running_mean"));
    if (isBatchNorm) data.fill(/(\.weight|running_var)$/.test(key) ? 1 : 0);
    else {
      if (shape.length > 1) fanIn = sizeOf(shape.slice(1));
      const bound = 1 / Math.sqrt(fanIn);
      for (let i = 0; i < data.length; i++) data[i] = random.between(-bound, bound);
    }
    state.set(key, { shape, data });
  }
  return state;
}
