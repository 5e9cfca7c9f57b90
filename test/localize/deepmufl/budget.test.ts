import { expect, it } from "vitest";
import { testsFor } from "../../../src/localize/deepmufl/by-mutation.ts";
import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";

it("takes fewer tests on larger networks, by counted multiply-adds, but never fewer than ten", () => {
  const short = (arch: string) => testsFor(buildNetwork(arch, 10), "short");
  // As docs/deviations.md says.
  expect(short("vgg13w8")).toBe(50);
  expect(short("googlenetw8")).toBe(17);
  expect(short("resnet18w16")).toBe(10);
  expect(short("googlenet")).toBe(10);
  expect(testsFor(buildNetwork("googlenet", 10), "full")).toBe(100);
});
