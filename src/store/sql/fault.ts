import { suggestion } from "../../core/closest.ts";
import { DEFECT_FIELD_NAMES } from "../../records/defect-row.ts";

const EXAMPLE = `write one such as "asr > 0.9 and level = 'small'"`;
const WHERE = "--where";

/**
 * What DuckDB says of a statement, in words for whoever wrote it: without the excerpt of the statement below it, and for a
 * condition without what was put around it.
 *
 * @param option what the statement came by
 */
export function sqlFault(error: unknown, option: string): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/^(Out of Memory Error|.*failed to allocate data)/.test(message)) {
    return "the statement needs more memory than a query may have; ask for less, e.g. by 'where'";
  }
  const told = message.split(/\s*LINE \d+:/)[0].replace(/^Failed to extract statements: /, "");
  return option === WHERE ? conditionFault(told) : told;
}

/** Whether a word is the bracket or order that the statement itself puts behind the condition. */
function isOurs(word: string | undefined): boolean {
  return word === undefined || word === ")" || word === "ORDER";
}

function conditionFault(told: string): string {
  const field = /^Binder Error: Referenced column "([^"]*)" not found/.exec(told)?.[1];
  if (field !== undefined) {
    const near = suggestion(field, DEFECT_FIELD_NAMES);
    return `unknown field '${field}'${near}; a text stands in single quotes, 'bdefects query --help' lists the fields`;
  }
  const at = /^Parser Error: syntax error at (?:or near "([\s\S]*)"|end of input)$/.exec(told);
  if (at) return `is no whole condition${isOurs(at[1]) ? "" : `: '${at[1]}' is out of place`}; ${EXAMPLE}`;
  if (/^Parser Error: unterminated quoted/.test(told)) return `a quote is not closed; ${EXAMPLE}`;
  return `${told.replace(/^[A-Z][A-Za-z ]* Error: /, "")}; ${EXAMPLE}`;
}
