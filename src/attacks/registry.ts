import { badnets } from "./badnets.ts";
import { sra } from "./sra.ts";
import type { Attack } from "./types.ts";

export const ATTACKS: ReadonlyMap<string, Attack> = new Map([badnets, sra].map((attack) => [attack.name, attack]));
