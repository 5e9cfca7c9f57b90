import type { Random } from "../core/random.ts";
import { type StateDict, sizeOf } from "../tensor/state.ts";
import { type Network, stateEntries } from "./network.ts";

/** Fresh weights as PyTorch's defaults draw them: conv and linear ~ U(±1/√fan_in), batch norm γ = 1, β = 0, μ = 0, σ² = 1; operators of sequences state how far normal values spread. */
export function initialState(network: Network, random: Random): StateDict {
  const state: StateDict = new Map();
  for (const { key, shape, fresh } of stateEntries(network)) {
    const data = new Float32Array(sizeOf(shape));
    if (typeof fresh === "number") data.fill(fresh);
    else if ("deviation" in fresh) {
      for (let i = 0; i < data.length; i++) data[i] = fresh.deviation * random.normal();
    } else {
      const bound = 1 / Math.sqrt(fresh.fanIn);
      for (let i = 0; i < data.length; i++) data[i] = random.between(-bound, bound);
    }
    state.set(key, { shape, data });
  }
  return state;
}
