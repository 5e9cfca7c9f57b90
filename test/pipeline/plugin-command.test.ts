import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { criterionList } from "../../src/cli/arguments.ts";
import { isPlugin, parsePlugin, splitWords } from "../../src/pipeline/plugin/command.ts";
import { temporaryFolder } from "../store/temp.ts";

it("splits a command at white space outside of quotes, and knows no shell", () => {
  expect(splitWords(`python3  "my method.py" --x='a "b" c'd ''\t$HOME; rm *.py | C:\\x`)).toEqual([
    "python3",
    "my method.py",
    `--x=a "b" cd`,
    "",
    "$HOME;",
    "rm",
    "*.py",
    "|",
    "C:\\x",
  ]);
  expect(splitWords(" \t")).toEqual([]);
  expect(() => splitWords(`echo "a`)).toThrow('the quote " is not closed');
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[^"]*$/)), (words) => {
      expect(splitWords(words.map((word) => `"${word}"`).join(" "))).toEqual(words);
    }),
  );
});

it("names a plug-in safely, and by its command where nobody does", () => {
  expect(parsePlugin("gap_2=cmd:python3 x.py")).toMatchObject({ name: "cmd-gap_2", words: ["python3", "x.py"] });
  const path = join(temporaryFolder(), "My méthod.v2.py");
  writeFileSync(path, "print(1)");
  const derived = parsePlugin(`cmd:python3 "${path}" --k 3`);
  expect(derived.name).toMatch(/^cmd-my-m-thod-v2-[0-9a-f]{8}$/);
  expect(parsePlugin(`cmd:python3 "${path}" --k 4`).name).not.toBe(derived.name);
  expect(parsePlugin("cmd:/usr/bin/../método").name).toMatch(/^cmd-m-todo-[0-9a-f]{8}$/);
  for (const bad of ["A=cmd:x", "../x=cmd:x", "=cmd:x", `${"a".repeat(41)}=cmd:x`]) {
    expect(() => parsePlugin(bad), bad).toThrow("a name has small letters");
  }
  expect(["clp", "cmd-gap", "cmdline", "a b=cmd:x"].filter(isPlugin)).toEqual([]);

  const named = parsePlugin(`mine=cmd:python3 "${path}"`);
  writeFileSync(path, "print(2)");
  const changed = parsePlugin(`mine=cmd:python3 "${path}"`);
  expect(changed.name).toBe(named.name);
  expect(changed.fingerprint).not.toBe(named.fingerprint);
});

it("leaves a command's commas alone in a list of criteria", () => {
  const parse = criterionList("--criterion");
  expect(parse("fp, clp")).toEqual(["fp", "clp"]);
  expect(parse("fp,m=cmd:run --k 1,2", ["clp"])).toEqual(["clp", "fp", "m=cmd:run --k 1,2"]);
  expect(parse("cmd:run a,b=cmd:c", ["clp"])).toEqual(["clp", "cmd:run a,b=cmd:c"]);
  expect(parse("clp,cmd:run x")).toEqual(["clp", "cmd:run x"]);
  expect(() => parse("clp,,cmd:x")).toThrow("names separated by commas");
});
