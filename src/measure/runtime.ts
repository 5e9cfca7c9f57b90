import type { Network } from "../graph/network.ts";
import type { Normalization } from "../images/image-set.ts";
import type { Task } from "../tasks/task.ts";
import type { ProgramPool } from "./pool.ts";

/** A network, what it is for, how its samples are normalised, and what runs its programs. */
export interface Runtime {
  readonly network: Network;
  readonly task: Task;
  readonly normalization: Normalization;
  readonly pool: ProgramPool;
}
