import { existsSync, readdirSync } from "node:fs";
import { expect } from "vitest";
import { bdefects, type Ran } from "./program.ts";

/** One statement about the shipped sample. */
export function askSample(statement: string, ...more: string[]): Ran {
  return bdefects(["query", "--db", "sample", "--sql", statement, ...more]);
}

/** A statement that reaches a limit ends in one line. */
export function expectEnd(statement: string, more: string[], message: RegExp): void {
  const { status, stdout, stderr } = askSample(statement, ...more);
  expect(stderr).toMatch(/^error: --sql: [^\n]+\n$/);
  expect(stderr).toMatch(message);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
}

/** A statement that would read or change what is not the catalog's is refused in one line, and leaves nothing. */
export function expectNoReach(statement: string): void {
  const before = readdirSync(process.cwd());
  const { status, stdout, stderr } = askSample(statement);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toMatch(/^error: --sql: [^\n]+\n$/);
  expect(readdirSync(process.cwd())).toEqual(before);
  expect(existsSync("x.csv")).toBe(false);
}
