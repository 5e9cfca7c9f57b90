import type { Attack } from "../../attack.ts";
import { trojantoken } from "./trojantoken.ts";
import { addsent, badedit, rareword } from "./words.ts";

export const ATTACKS: ReadonlyMap<string, Attack> = new Map(
  [rareword, addsent, trojantoken, badedit].map((attack) => [attack.name, attack]),
);
