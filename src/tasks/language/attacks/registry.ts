import type { Attack } from "../../attack.ts";
import { addsent, rareword } from "./words.ts";

export const ATTACKS: ReadonlyMap<string, Attack> = new Map([rareword, addsent].map((attack) => [attack.name, attack]));
