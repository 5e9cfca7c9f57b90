import type { Objective } from "./objective.ts";

/** An objective climbed in place of descended: its own value, the opposite gradient. */
export function climbing(objective: Objective): Objective {
  return (lowering, network) => {
    const score = objective(lowering, network);
    return (outputs, scale) => {
      const { value, gradient } = score(outputs, scale);
      return { value, gradient: lowering.graph.op("Neg", [gradient]) };
    };
  };
}
