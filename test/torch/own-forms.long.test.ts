import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bdefects, rowsOf } from "../cli/program.ts";
import { writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";
import { findTorchPython } from "./find-python.ts";

const SCRIPT = join(import.meta.dirname, "own_forms.py");
const ID = "cifar10-resnet18w8-badnets-small-top040";

/** Real images for one form, where there are any: ten thousand take PyTorch and us a while. Made-up ones for the others. */
const REAL = process.env.BDEFECTS_DATA ?? "";
const isReal = existsSync(join(REAL, "cifar-10-batches-bin", "test_batch.bin"));

function python(...args: string[]): string {
  return execFileSync(findTorchPython()!.command, ["-B", SCRIPT, ...args], { encoding: "utf8", maxBuffer: 1 << 27 });
}

/** A row under the names of pytorch-cifar. */
function plainNames(row: Record<string, unknown>): Record<string, unknown> {
  const neuron = (row.neuron as string).replace(/^module\./, "").replace("downsample", "shortcut");
  return { ...row, neuron };
}

describe.skipIf(!findTorchPython())("a ResNet-18 of one's own, as PyTorch saved it", () => {
  const dir = temporaryFolder();
  const made = writeTinyData(join(dir, "data"));
  const dataOf = (form: string) => (isReal && form === "zip" ? REAL : made);
  const testOf = (form: string) => join(dataOf(form), "cifar-10-batches-bin", "test_batch.bin");
  const folder = join(dir, "case");
  expect(bdefects(["checkout", ID, folder, "--db", "sample"]).status).toBe(0);
  const { mean, std } = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
  python("save", join(folder, "model.safetensors"), join(dir, "forms"));
  const files = readdirSync(join(dir, "forms")).filter((name) => !name.startsWith("half"));
  const inspected = (file: string, form: string) =>
    rowsOf(["inspect", file, "--data", dataOf(form), "--criterion", "clp,fp"]);

  it("comes in five forms", () => {
    expect(files.sort()).toEqual(["legacy.pt", "parallel.pth", "plain.safetensors", "torchvision.pt", "zip.pth"]);
  });

  it.each(files)("%s has the same scores, and its repaired file loads into the model that it came from", (name) => {
    const form = name.split(".")[0];
    const file = join(dir, "forms", name);
    const rows = inspected(file, form);
    expect(rows.map(plainNames)).toEqual(inspected(join(folder, "model.safetensors"), form));
    const shortcut = form === "torchvision" ? /downsample/ : /shortcut/;
    expect(rows.some(({ neuron }) => shortcut.test(neuron as string))).toBe(true);
    expect(rows.every(({ neuron }) => (neuron as string).startsWith("module.") === (form === "parallel"))).toBe(true);

    const out = join(dir, form);
    const [pruned] = rowsOf([
      "repair",
      file,
      "--data",
      dataOf(form),
      "--method",
      "prune",
      "--using",
      "clp",
      "--out",
      out,
    ]);
    const weights = pruned.weights as string;
    const check = python("check", form, weights, file, testOf(form), JSON.stringify(mean), JSON.stringify(std));
    const { accuracy, dtypes, tracked, changed } = JSON.parse(check);
    expect({ dtypes, tracked }).toEqual({ dtypes: true, tracked: true });
    expect(accuracy).toBe(pruned.ca_after);
    expect(changed.length).toBeGreaterThan(0);
    const touched = new Set((changed as string[]).map((key) => key.replace(/\.[a-z_]+$/, "")));
    // Nothing but batch norms and filters of pruned neurons' layers.
    expect(touched.size).toBeLessThan(40);
  });

  it.each(["protocol0", "protocol0_legacy", "expanded", "pruned"])(
    "%s has the scores of what it stands for",
    (form) => {
      const odd = join(dir, "odd");
      if (!existsSync(odd)) python("odd", join(folder, "model.safetensors"), odd);
      const [found, plain] = [".pt", ".safetensors"].map((suffix) =>
        rowsOf(["inspect", join(odd, form + suffix), "--criterion", "clp"]),
      );
      expect(found).toEqual(plain);
    },
  );

  it("keeps a file of half precision in half precision", () => {
    const file = join(dir, "forms", "half.pt");
    const [row] = rowsOf(["repair", file, "--method", "prune", "--using", "clp", "--out", join(dir, "half")]);
    const check = python(
      "check",
      "half",
      row.weights as string,
      file,
      testOf("half"),
      JSON.stringify(mean),
      JSON.stringify(std),
    );
    expect(JSON.parse(check)).toMatchObject({ dtypes: true, tracked: true });
  });
});
