import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { longIt } from "../setup/long.ts";

function ran(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

/** Each without arguments, and what its opening comment says of them. */
const CALLS = [
  ["lane-table", "DB"],
  ["acceptance", "DB"],
  ["text-table", "DB"],
  ["page-time", "ARCH …"],
  ["replacement", "DATA [NETWORKS [SETTINGS [LEVEL [OFFSET]]]]"],
  ["trials", "DB RECIPE TRIALS.json [DATA]"],
  ["explorer", "DB [how many defects | ids …]"],
];

for (const [i, [name, args]] of CALLS.entries()) {
  (i === 0 ? it : longIt)(`bench/${name}.ts without arguments says in one line how it is called`, () => {
    const stderr = `error: give what is missing: npx tsx bench/${name}.ts ${args}\n`;
    expect(ran(`bench/${name}.ts`)).toEqual({ status: 2, stdout: "", stderr });
  });
}

longIt("a bench program says in one line what is no database, and that others start it", () => {
  expect(ran("bench/lane-table.ts", "nope")).toEqual({
    ...{ status: 2, stdout: "" },
    stderr: expect.stringMatching(/^error: nope: not a database [^\n]*\n$/),
  });
  expect(ran("bench/our-criteria.ts")).toEqual({
    ...{ status: 2, stdout: "" },
    stderr: "error: another program of bench/ starts this one and gives it its job\n",
  });
});

longIt("a bench program with options refuses what it does not know in one line", () => {
  const refused = (args: string[]) => ran("bench/rates.ts", ...args);
  expect(refused(["--nope"])).toEqual({ status: 2, stdout: "", stderr: "error: unknown option '--nope'\n" });
  expect(refused(["DATA"])).toEqual({ status: 2, stdout: "", stderr: "error: missing required argument 'db'\n" });
  expect(refused(["--cpu", "x", "DATA", "sample"])).toEqual({
    ...{ status: 2, stdout: "" },
    stderr: expect.stringMatching(/^error: --cpu: give at most the [\d.]+ seconds of the records\n$/),
  });
});
