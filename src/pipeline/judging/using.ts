import { suggestion } from "../../core/closest.ts";
import { InputError } from "../../core/errors.ts";
import { criterionNames, isCriterionName } from "./criteria.ts";

/** Who names the neurons to repair. */
export type Using =
  /** The true set G: the best that localization could offer. */
  | { kind: "oracle" }
  /** As many neurons as G has, drawn at random: the floor. */
  | { kind: "random" }
  /** Nobody: the method chooses by itself. */
  | { kind: "none" }
  /** A criterion's own set, or its top |G|. */
  | { kind: "criterion"; criterion: string; protocol: "native" | "topk" };

/**
 * Parses `oracle`, `random`, `none`, `CRITERION` or `CRITERION:topk`, where the criterion may be a plug-in's name (`cmd-…`), whose
 * predictions are stored.
 *
 * @param stored criteria of which there are predictions; absent: any plug-in's name is taken for one of them
 * @throws InputError
 */
export function parseUsing(text: string, stored?: readonly string[]): Using {
  if (text === "oracle" || text === "random" || text === "none") return { kind: text };
  const [name, protocol = "native", ...rest] = text.split(":");
  if (rest.length > 0 || (protocol !== "native" && protocol !== "topk")) {
    throw new InputError(`bad --using '${text}': write CRITERION, CRITERION:topk, oracle, random or none`);
  }
  if (name === "oracle" || name === "random" || name === "none") {
    throw new InputError(`bad --using '${text}': ${name} stands alone; write --using ${name}`);
  }
  if (!isCriterionName(name, stored)) {
    const valid = [...new Set(["oracle", "random", "none", ...criterionNames(stored)])];
    throw new InputError(`unknown --using '${name}'${suggestion(name, valid)}; valid: ${valid.join(", ")}`);
  }
  return { kind: "criterion", criterion: name, protocol };
}

export function formatUsing(using: Using): string {
  if (using.kind !== "criterion") return using.kind;
  return using.protocol === "native" ? using.criterion : `${using.criterion}:${using.protocol}`;
}
