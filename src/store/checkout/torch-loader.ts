import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The Python file that a checkout and a suspect's folder carry, `python/load_in_torch.py`: it builds the network from
 * model.json's nodes under the state dict's names and loads the weights, with numpy and torch alone (1.13 or later).
 */
export const TORCH_LOADER = readFileSync(
  fileURLToPath(new URL("../../../python/load_in_torch.py", import.meta.url)),
  "utf8",
);
