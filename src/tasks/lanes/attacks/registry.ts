import type { Attack } from "../../attack.ts";
import { CONE_ATTACKS } from "./cones.ts";

export const ATTACKS: ReadonlyMap<string, Attack> = new Map(
  CONE_ATTACKS.map((attack): [string, Attack] => [attack.name, attack]),
);
