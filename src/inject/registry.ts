import type { InjectionKind } from "../tasks/attack.ts";
import { edit } from "./edit/edit.ts";
import { finetune } from "./finetune.ts";
import { replace } from "./replacement/replace.ts";
import type { Injection } from "./types.ts";

export const INJECTIONS: Record<InjectionKind, Injection> = { finetune, replace, edit };
