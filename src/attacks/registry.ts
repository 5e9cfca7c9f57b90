import { badnets } from "./badnets.ts";
import type { Attack } from "./types.ts";

export const ATTACKS: ReadonlyMap<string, Attack> = new Map([badnets].map((attack) => [attack.name, attack]));
