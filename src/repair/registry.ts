import { prune } from "./prune.ts";
import type { Repair } from "./types.ts";

/** Every repair by name. */
export const REPAIRS: ReadonlyMap<string, Repair> = new Map([[prune.name, prune]]);
