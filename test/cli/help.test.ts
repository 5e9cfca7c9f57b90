import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { EXAMPLES } from "../../src/cli/examples.ts";
import { REGISTER_VERBS } from "../../src/cli/registry.ts";
import { closestName } from "../../src/core/closest.ts";
import { bdefects } from "./program.ts";

const program = new Command("bdefects").helpCommand(false);
for (const register of REGISTER_VERBS) register(program);

/** Verbs that do something, by their whole names. */
function leaves(command: Command, prefix = ""): [string, Command][] {
  return command
    .createHelp()
    .visibleCommands(command)
    .flatMap((verb): [string, Command][] =>
      verb.commands.length > 0 ? leaves(verb, `${prefix}${verb.name()} `) : [[`${prefix}${verb.name()}`, verb]],
    );
}

describe("the examples of help", () => {
  it.each(leaves(program))("of %s are of that verb and of options that it has", (name, verb) => {
    const examples = Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : [];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(example.startsWith(name)).toBe(true);
      for (const flag of example.match(/(?<= )--[a-z-]+/g) ?? []) {
        expect(
          verb.options.map(({ long }) => long),
          example,
        ).toContain(flag);
      }
    }
  });

  it("are printed", () => {
    expect(bdefects(["info", "--help"]).stdout).toMatch(/\nExamples:\n {2}bdefects info --db sample\n/);
    expect(bdefects(["--help"]).stdout).toMatch(/\nFirst steps:\n {2}bdefects demo\n/);
  });
});

describe("the word help", () => {
  it.each([
    ["help", "--help"],
    ["help help", "--help"],
    ["help info", "info --help"],
    ["help data", "data --help"],
    ["help data fetch", "data fetch --help"],
    ["data help fetch", "data fetch --help"],
    ["--debug help info", "info --help"],
  ])("(%s) gives what %s gives", (asked, option) => {
    const { status, stdout, stderr } = bdefects(asked.split(" "));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toBe(bdefects(option.split(" ")).stdout);
  });

  it.each([
    ["help inof", /^error: unknown command 'inof'.*Did you mean info/],
    ["help data fetsh", /^error: unknown command 'fetsh'.*Did you mean fetch.*; valid: list, fetch, check\n$/],
  ])("(%s) does nothing where no verb is named so", (asked, words) => {
    const { status, stdout, stderr } = bdefects(asked.split(" "));
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(words);
  });
});

describe("a mistyped name", () => {
  const sample = ["--db", "sample"];
  it.each([
    ["idz", ["idz"], "ids"],
    ["an id", ["info", "cifar10-resnet18w8-badnets-smal-top040", ...sample], "cifar10-resnet18w8-badnets-small-top040"],
    ["a group", ["ids", "cifar10-vgg13w8-badnet", ...sample], "cifar10-vgg13w8-badnets"],
    [
      "a group to judge",
      ["localize", "cifar10-vgg13w8-badnet", "--criterion", "clp", ...sample],
      "cifar10-vgg13w8-badnets",
    ],
    ["a group to verify", ["verify", "gtsrb-vgg16w8-tojan", ...sample], "gtsrb-vgg16w8-trojan"],
    ["an attack", ["build", "--attack", "bdnets"], "badnets"],
    ["a data set", ["data", "fetch", "cifr10"], "cifar10"],
    ["an option", ["ids", "--formt", "json"], "--format"],
  ])("(%s) is answered with the one that is near", (_, args, near) => {
    const { status, stdout, stderr } = bdefects(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr.toLowerCase()).toContain(
      `did you mean ${near.startsWith("--") || near === "ids" ? near : `'${near}'`}?`,
    );
  });

  it("is near only where little is wrong", () => {
    expect(closestName("badnet", ["trojan", "badnets"])).toBe("badnets");
    expect(closestName("xyz", ["trojan", "badnets"])).toBeNull();
    expect(closestName("", ["a"])).toBe("a");
    expect(closestName("anything", [])).toBeNull();
  });
});
