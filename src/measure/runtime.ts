import type { Network } from "../graph/network.ts";
import type { Normalization } from "../images/image-set.ts";
import type { ProgramPool } from "./pool.ts";

/** A network, how its images are normalised, and what runs its programs. */
export interface Runtime {
  readonly network: Network;
  readonly normalization: Normalization;
  readonly pool: ProgramPool;
}
