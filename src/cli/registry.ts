import type { Command } from "commander";
import { registerEnv } from "./verbs/env.ts";

/** Every verb: its file in `verbs/`, one line here, in the order in which help lists them. */
export const REGISTER_VERBS: readonly ((program: Command) => void)[] = [registerEnv];
