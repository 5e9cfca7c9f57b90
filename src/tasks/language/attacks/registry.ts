import type { Attack } from "../../attack.ts";
import { trojantoken } from "./trojantoken.ts";
import { addsent, rareword } from "./words.ts";

export const ATTACKS: ReadonlyMap<string, Attack> = new Map(
  [rareword, addsent, trojantoken].map((attack) => [attack.name, attack]),
);
