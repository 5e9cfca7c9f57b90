import type { Attack } from "../../attack.ts";
import { badnets } from "./badnets.ts";
import { blended } from "./blended.ts";
import { sig } from "./sig.ts";
import { sra } from "./sra.ts";
import { trojan } from "./trojan.ts";
import { wanet } from "./wanet.ts";

export const ATTACKS: ReadonlyMap<string, Attack> = new Map(
  [badnets, blended, trojan, sra, sig, wanet].map((attack): [string, Attack] => [attack.name, attack]),
);
