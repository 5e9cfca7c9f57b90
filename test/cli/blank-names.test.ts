import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { refuseBlankNames } from "../../src/cli/blank-names.ts";
import { REGISTER_VERBS } from "../../src/cli/registry.ts";
import { InputError } from "../../src/core/errors.ts";

const program = new Command();
for (const register of REGISTER_VERBS) register(program);
refuseBlankNames(program);

const commands = program.commands.flatMap((command) => [command, ...command.commands]);
const targets = commands.flatMap((command) => [
  ...command.options.map((option) => ({ verb: command.name(), name: option.flags, parseArg: option.parseArg })),
  ...command.registeredArguments.map((one) => ({
    verb: command.name(),
    name: `<${one.name()}>`,
    parseArg: one.parseArg,
  })),
]);
const paths = targets.filter(({ name }) => /<(dir|folder|file|path|source|what|id)>/.test(name));

describe("a blank name of a file or folder", () => {
  it.each(["", " ", "\t "])("%j is refused by every option and positional that takes one", (text) => {
    expect(paths.length).toBeGreaterThan(40);
    for (const { verb, name, parseArg } of paths) {
      const parse = () => parseArg?.(text, undefined as never);
      expect(parse, `${verb} ${name}`).toThrow(InputError);
      expect(parse, `${verb} ${name}`).toThrow(text === "" ? / is empty: name / : / is blank: name /);
    }
  });

  it("is the only name that is refused", () => {
    for (const { verb, name, parseArg } of paths) {
      expect([parseArg?.(" x ", undefined as never)].flat(), `${verb} ${name}`).toEqual([" x "]);
    }
  });

  it("leaves several names several", () => {
    const verb = new Command("verb").argument("<id...>").option("--file <file...>");
    let given: unknown;
    verb.action((ids, options) => {
      given = [ids, options];
    });
    refuseBlankNames(verb);
    verb.parse(["a", "b", "--file", "x", "y"], { from: "user" });
    expect(given).toEqual([["a", "b"], { file: ["x", "y"] }]);
  });
});
