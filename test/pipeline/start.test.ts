import { expect, it } from "vitest";
import { startOf } from "../../src/pipeline/site/start.ts";
import type { SiteEntry } from "../../src/records/site.ts";

const entries = (...found: [dataset: string, arch: string, style: string][]) =>
  found.map(([dataset, arch, style]) => ({ id: `${dataset}-${arch}-${style}`, dataset, arch, style })) as SiteEntry[];

it("begins with signs, the usual style and few layers, as far as a database has them", () => {
  const sample = entries(
    ["cifar10", "googlenetw8", "discreet"],
    ["cifar10", "resnet18w8", "plain"],
    ["gtsrb", "googlenetw8", "plain"],
    ["gtsrb", "resnet18w8", "discreet"],
    ["gtsrb", "resnet18w8", "plain"],
    ["gtsrb", "vgg13w8", "plain"],
  );
  expect(startOf(sample)?.id).toBe("gtsrb-resnet18w8-plain");
  const texts = entries(["glosses", "llama2d64", "discreet"], ["glosses", "llama4d128", "plain"]);
  expect(startOf(texts)?.id).toBe("glosses-llama4d128-plain");
  expect(startOf(entries(["cifar10", "vgg13w8", "discreet"]))?.id).toBe("cifar10-vgg13w8-discreet");
  expect(startOf(entries())).toBeUndefined();
});
