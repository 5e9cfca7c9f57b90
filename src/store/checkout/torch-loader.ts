import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Handout } from "../../tasks/handout.ts";

/** A Python file of this package's folder `python`, which checkouts carry. */
export function loaderFile(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../python/${name}`, import.meta.url)), "utf8");
}

/** The Python files that samples of a task are read with. */
export function loadersOf(handout: Pick<Handout, "loader" | "further"> | undefined): string[] {
  return handout ? [handout.loader, ...(handout.further ?? [])] : [];
}

/**
 * The Python file that a checkout and a suspect's folder carry, `python/load_in_torch.py`: it builds the network from
 * model.json's nodes under the state dict's names and loads the weights, with numpy and torch alone (1.13 or later).
 */
export const TORCH_LOADER = loaderFile("load_in_torch.py");
