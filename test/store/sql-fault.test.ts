import { describe, expect, it } from "vitest";
import { sqlFault } from "../../src/store/sql/fault.ts";

const example = `; write one such as "asr > 0.9 and level = 'small'"`;
const of = (message: string, option = "--where") => sqlFault(new Error(message), option);

describe("what DuckDB says of a condition", () => {
  it.each([
    ['Parser Error: syntax error at or near ")"\n\nLINE 2: ) ORDER BY id', `is no whole condition${example}`],
    ["Failed to extract statements: Parser Error: syntax error at end of input", `is no whole condition${example}`],
    ['Parser Error: syntax error at or near "ORDER"', `is no whole condition${example}`],
    ['Parser Error: syntax error at or near "="', `is no whole condition: '=' is out of place${example}`],
    [`Parser Error: unterminated quoted string at or near "'x ) ORDER BY id"`, `a quote is not closed${example}`],
    ["Conversion Error: Could not convert string 'x' to DOUBLE", `Could not convert string 'x' to DOUBLE${example}`],
    [
      'Binder Error: Referenced column "asrr" not found in FROM clause! Candidate bindings: "asr"',
      "unknown field 'asrr' (did you mean 'asr'?); a text stands in single quotes, 'bdefects query --help' lists the fields",
    ],
  ])("%j is told in words of the condition, with the mend", (message, told) => {
    expect(of(message)).toBe(told);
  });

  it("is told of a whole statement as it is", () => {
    const said = 'Parser Error: syntax error at or near "x"';
    expect(of(`${said}\n\nLINE 1: select x x x`, "--sql")).toBe(said);
    expect(of("Out of Memory Error: failed to pin block", "--sql")).toMatch(/needs more memory/);
  });
});
