import type { Command } from "commander";
import { registerBoard } from "./verbs/board.ts";
import { registerBuild } from "./verbs/build.ts";
import { registerCheckout } from "./verbs/checkout.ts";
import { registerCompletion } from "./verbs/completion.ts";
import { registerData } from "./verbs/data.ts";
import { registerDatasheet } from "./verbs/datasheet.ts";
import { registerDemo } from "./verbs/demo.ts";
import { registerDeprecate } from "./verbs/deprecate.ts";
import { registerEnv } from "./verbs/env.ts";
import { registerExport } from "./verbs/export.ts";
import { registerGroups } from "./verbs/groups.ts";
import { registerIds } from "./verbs/ids.ts";
import { registerImport } from "./verbs/import.ts";
import { registerInfo } from "./verbs/info.ts";
import { registerInspect } from "./verbs/inspect.ts";
import { registerLocalize } from "./verbs/localize.ts";
import { registerQuery } from "./verbs/query.ts";
import { registerReindex } from "./verbs/reindex.ts";
import { registerRepair } from "./verbs/repair.ts";
import { registerReport } from "./verbs/report.ts";
import { registerScore } from "./verbs/score.ts";
import { registerServe } from "./verbs/serve.ts";
import { registerSite } from "./verbs/site.ts";
import { registerStudy } from "./verbs/study.ts";
import { registerTest } from "./verbs/test.ts";
import { registerTrainLocalizer } from "./verbs/train-localizer.ts";
import { registerVerify } from "./verbs/verify.ts";

/** Every verb: its file in `verbs/`, one line here, in the order in which help lists them. */
export const REGISTER_VERBS: readonly ((program: Command) => void)[] = [
  registerDemo,
  registerData,
  registerBuild,
  registerGroups,
  registerIds,
  registerInfo,
  registerQuery,
  registerCheckout,
  registerTest,
  registerVerify,
  registerDeprecate,
  registerLocalize,
  registerRepair,
  registerScore,
  registerStudy,
  registerInspect,
  registerTrainLocalizer,
  registerBoard,
  registerReport,
  registerServe,
  registerSite,
  registerDatasheet,
  registerExport,
  registerImport,
  registerReindex,
  registerEnv,
  registerCompletion,
];
