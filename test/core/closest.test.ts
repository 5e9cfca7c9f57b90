import { describe, expect, it } from "vitest";
import { closestNames, suggestion } from "../../src/core/closest.ts";

const IDS = ["gtsrb-vgg13w8-sra", "gtsrb-vgg13w8-sra-small-top040", "gtsrb-vgg13w8-sra-small-top000", "signs-x-y"];

describe("names for a mistyped one", () => {
  it.each([
    ["one that it begins", "gtsrb-vgg13w8", ["gtsrb-vgg13w8-sra", IDS[1], IDS[2]]],
    ["an id without its offset", "gtsrb-vgg13w8-sra-small", [IDS[1], IDS[2]]],
    ["a letter too many", "gtsrb-vgg13w8-sraa-small-top040", [IDS[1]]],
    ["parts of which most are the same", "gtsrb-vgg13w8-combinedwanet-small-top020", [IDS[1], IDS[2]]],
    ["parts of which few are", "cifar10-vgg13w8-trojan-large-top999", []],
    ["nothing like it", "nope", []],
    ["nothing", "", []],
  ])("are those of %s", (_, name, expected) => {
    expect(closestNames(name, IDS)).toEqual(expected);
  });

  it.each([
    ["two letters that changed places", "smaple", ["sample"]],
    ["four of which two did", "asmlpe", []],
  ])("are those of %s", (_, name, expected) => {
    expect(closestNames(name, ["sample", "whole", "lanes"])).toEqual(expected);
  });

  it("are told together", () => {
    expect(suggestion("gtsrb-vgg13w8", IDS)).toBe(` (did you mean 'gtsrb-vgg13w8-sra', '${IDS[1]}' or '${IDS[2]}'?)`);
    expect(suggestion("signs-x-z", IDS)).toBe(" (did you mean 'signs-x-y'?)");
    expect(suggestion("nope", IDS)).toBe("");
  });
});
