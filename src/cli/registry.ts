import type { Command } from "commander";
import { registerEnv } from "./verbs/env.ts";
import { registerGroups } from "./verbs/groups.ts";
import { registerIds } from "./verbs/ids.ts";
import { registerInfo } from "./verbs/info.ts";
import { registerQuery } from "./verbs/query.ts";
import { registerReindex } from "./verbs/reindex.ts";

/** Every verb: its file in `verbs/`, one line here, in the order in which help lists them. */
export const REGISTER_VERBS: readonly ((program: Command) => void)[] = [
  registerGroups,
  registerIds,
  registerInfo,
  registerQuery,
  registerReindex,
  registerEnv,
];
