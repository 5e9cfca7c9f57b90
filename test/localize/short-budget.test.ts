import { describe, expect, it } from "vitest";
import { effortFor as anpEffort } from "../../src/localize/criteria/anp.ts";
import { effortFor as rnpEffort } from "../../src/localize/criteria/rnp.ts";
import { effortFor as ncEffort } from "../../src/localize/nc/invert-trigger.ts";
import { shortImages } from "../../src/localize/short-budget.ts";
import { buildNetwork } from "../../src/tasks/classification/models/registry.ts";

const network = (arch: string, classes = 10) => buildNetwork(arch, classes);

describe("the short budget", () => {
  it("is whole on a small network", () => {
    const small = network("vgg13w8");
    expect(anpEffort(small, "short")).toEqual({ iterations: 200, batch: 32 });
    expect(rnpEffort(small, "short")).toMatchObject({ images: 500, unlearn: 20, recover: 20 });
    expect(ncEffort(small, "short")).toEqual({ epochs: 10, images: 200, batch: 16, screening: 96 });
  });

  it("keeps large networks within the count", () => {
    for (const arch of ["resnet18w16", "googlenetw8", "googlenetw16"]) {
      const large = network(arch);
      const most = shortImages(large);
      const { iterations, batch } = anpEffort(large, "short");
      expect(3 * iterations * batch, arch).toBeLessThanOrEqual(most);
      const { unlearn, recover, images } = rnpEffort(large, "short");
      expect((unlearn + recover) * images, arch).toBeLessThanOrEqual(most);
    }
  });

  it("halves images and batches, and leaves Neural Cleanse its steps", () => {
    const steps = ({ images, batch }: { images: number; batch: number }) => Math.floor(images / batch);
    const [whole, halved] = [ncEffort(network("resnet18w8"), "short"), ncEffort(network("resnet18w8", 100), "short")];
    expect(halved).toMatchObject({ batch: whole.batch / 2, screening: whole.screening / 2, epochs: whole.epochs });
    expect(steps(halved)).toBe(steps(whole));
  });

  it("never falls below what can find anything, and other budgets know no such bound", () => {
    const huge = network("googlenet", 100);
    expect(anpEffort(huge, "short")).toEqual({ iterations: 50, batch: 16 });
    expect(rnpEffort(huge, "short")).toMatchObject({ images: 64 });
    expect(ncEffort(huge, "short")).toMatchObject({ batch: 4, images: 50 });
    expect(anpEffort(huge, "full")).toEqual({ iterations: 2000, batch: 128 });
    expect(ncEffort(huge, "full")).toEqual(ncEffort(network("vgg13w8"), "full"));
  });
});
