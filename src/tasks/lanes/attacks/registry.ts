import type { Attack } from "../../attack.ts";
import { BADNETS_ATTACKS } from "./badnets.ts";
import { BLENDED_ATTACKS } from "./blended.ts";
import { CONE_ATTACKS } from "./cones.ts";

export const ATTACKS: ReadonlyMap<string, Attack> = new Map(
  [...CONE_ATTACKS, ...BADNETS_ATTACKS, ...BLENDED_ATTACKS].map((attack): [string, Attack] => [attack.name, attack]),
);
