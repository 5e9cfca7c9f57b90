import { expect } from "vitest";
import { bdefects } from "../cli/program.ts";
import { treeOf } from "./files.ts";

/** One line on stderr, nothing on stdout, status 2. */
export function expectFault(args: string[], message: RegExp): void {
  const { status, stdout, stderr } = bdefects(args);
  expect(stderr).toMatch(/^error: [^\n]+\n$/);
  expect(stderr).toMatch(message);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
}

/** As above; and the folder holds what it held. @param args given the folder */
export function expectFaultWithin(folder: string, args: string[], message: RegExp): void {
  const before = treeOf(folder);
  expectFault(args, message);
  expect(treeOf(folder)).toEqual(before);
}
