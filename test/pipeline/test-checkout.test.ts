import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { type CheckoutTestOptions, testCheckout } from "../../src/pipeline/checkout/test-checkout.ts";
import { encodeNpy } from "../../src/tensor/npy.ts";
import { changedCopies } from "../store/changed-copies.ts";
import { temporaryFolder } from "../store/temp.ts";
import { CASE_IMAGES, type CaseFolder, makeCase } from "./case-folder.ts";

const root = temporaryFolder();

const { changed, changedJson } = changedCopies(root, () => folder);

let data: string;
let folder: string;
let target: number;
let changedWeights: CaseFolder["changedWeights"];
beforeAll(async () => {
  ({ data, folder, target, changedWeights } = await makeCase(root));
});

describe("testing a checkout", () => {
  const run = (dir: string, more: Partial<CheckoutTestOptions> = {}) =>
    testCheckout(dir, { data: join(root, "nowhere"), dataNamed: false, tolerance: 0.05, ...more });

  it("draws the line where the user says, to the last rounding", async () => {
    const { asr } = await run(folder);
    expect(asr).toBeGreaterThan(0.5);
    const at = (twin: number) =>
      changedJson(`twin-${twin}`, "record.json", ({ metrics }) => {
        metrics.asr_clean = twin;
      });
    expect((await run(at(asr - 0.05))).passed).toBe(true);
    expect((await run(at(asr - 0.0501))).passed).toBe(false);
    expect((await run(folder, { tolerance: 1 })).passed).toBe(true);
  });

  it("takes the folder's images, those of another folder, or the data set where it is at hand", async () => {
    const { tested } = await run(folder);
    const bare = changed("bare", (dir) => rmSync(join(dir, "images"), { recursive: true }));
    const elsewhere = await run(bare, { samples: join(folder, "images") });
    expect(elsewhere.tested.results).toEqual(tested.results);
    // A folder in the user's environment or cache is no more than a way out.
    expect((await run(folder, { data })).images.set.count).toBe(CASE_IMAGES);
    expect((await run(bare, { data })).images.set.count).toBe(60);
    expect((await run(folder, { data, dataNamed: true })).images.set.count).toBe(60);
    await expect(run(bare)).rejects.toThrow(
      /bare: has no images to test on: check out with --samples N, or name the data sets' folder with --data \(/,
    );
  });

  it("does without the clean twin, and says where it is another", async () => {
    const without = await run(changed("twinless", (dir) => rmSync(join(dir, "clean.safetensors"))));
    expect(without.twin).toBeNull();
    const other = changed("other-twin", (dir) =>
      cpSync(join(dir, "model.safetensors"), join(dir, "clean.safetensors")),
    );
    expect((await run(other)).notes.join()).toMatch(/clean\.safetensors: is not the clean twin that was recorded/);
    expect((await run(folder)).notes).toEqual([]);
  });

  it("refuses in one line what is no checkout, no image or no weights for it", async () => {
    const pipe = join(root, "pipe");
    execFileSync("mkfifo", [pipe]);
    const cleanOf = (dir: string) => join(dir, "images", "test_clean.npy");
    const labelsOf = (dir: string) => join(dir, "images", "test_labels.npy");
    const bad: [dir: string, message: RegExp, model?: string][] = [
      [join(root, "missing"), /missing: there is no such folder; make one with/],
      [data, /data: is no checkout: it has no model\.json/],
      [join(folder, "README.md"), /README\.md: is no checkout|is a file/],
      [changed("cut", (dir) => writeFileSync(join(dir, "model.json"), '{"format": ')), /model\.json: is not JSON/],
      [
        changed("deep", (dir) => writeFileSync(join(dir, "model.json"), "[".repeat(200_000) + "]".repeat(200_000))),
        /model\.json: is not/,
      ],
      [
        changed("deep-nodes", (dir) => {
          const text = readFileSync(join(dir, "model.json"), "utf8");
          const deep = `"nodes": ${"[".repeat(100_000)}${"]".repeat(100_000)}, "x": [`;
          writeFileSync(join(dir, "model.json"), text.replace('"nodes": [', deep));
        }),
        /model\.json: 'nodes' is not that of resnet18w8/,
      ],
      [
        changed("folder", (dir) => {
          rmSync(join(dir, "model.json"));
          mkdirSync(join(dir, "model.json"));
        }),
        /model\.json: is a folder/,
      ],
      [
        changedJson("format", "model.json", (m) => (m.format = "bdefects4nn-suspect-1")),
        /model\.json: is not of a checkout: 'format'/,
      ],
      [changedJson("arch", "model.json", (m) => (m.arch = "resnet99")), /unknown architecture/],
      [
        changedJson("wide", "model.json", (m) => (m.arch = "resnet18w16")),
        /model\.json: 'layers' is not that of resnet18w16/,
      ],
      [
        changedJson("nodes", "model.json", (m) => (m.nodes[1].stride = 0)),
        /model\.json: 'nodes' is not that of resnet18w8/,
      ],
      [changedJson("extra", "model.json", (m) => m.nodes.push(m.nodes[1])), /'nodes' is not/],
      [changedJson("std", "model.json", (m) => (m.std = [0, 1, 1])), /model\.json: .*'std\.0'/],
      [changedJson("mean", "model.json", (m) => (m.mean = ["0.5", 1, 1])), /'mean\.0'/],
      [
        changedJson("classes", "model.json", (m) => (m.classes = m.classes.slice(1))),
        /model\.json: 'nodes' is not that of resnet18w8/,
      ],
      [changedJson("target", "record.json", (r) => (r.target = 10)), /record\.json: 'target' is no class/],
      [changedJson("rate", "record.json", (r) => (r.metrics.asr_clean = 7)), /record\.json: .*'metrics\.asr_clean'/],
      [
        changedJson("null", "record.json", (r) => (r.metrics.asr_clean = null)),
        /record\.json: holds no ASR of the clean twin/,
      ],
      [
        changedJson("dataset", "record.json", (r) => (r.dataset = "gtsrb")),
        /record\.json: 'dataset' is not that of model\.json/,
      ],
      [
        changedJson("opacity", "trigger.json", (t) => (t.opacity[0][0] = 0.5)),
        /trigger\.json: is not the trigger that record\.json names/,
      ],
      [changedJson("beyond", "trigger.json", (t) => (t.opacity[0][0] = 1.5)), /trigger\.json: .*'opacity\.0\.0'/],
      [
        changedJson("pattern", "trigger.json", (t) => (t.pattern[0][0][0] = 256)),
        /trigger\.json: .*'pattern\.0\.0\.0'/,
      ],
      [changedJson("ragged", "trigger.json", (t) => t.opacity[3].pop()), /trigger\.json: is not of 32×32 pixels/],
      [changed("no-record", (dir) => rmSync(join(dir, "record.json"))), /record\.json: there is no such file/],
      [changed("no-model", (dir) => rmSync(join(dir, "model.safetensors"))), /model\.safetensors: no such file/],
      [changed("no-labels", (dir) => rmSync(labelsOf(dir))), /test_labels\.npy: there is no such file/],
      [
        changed("cut-images", (dir) => writeFileSync(cleanOf(dir), readFileSync(cleanOf(dir)).subarray(0, 5000))),
        /test_clean\.npy: not a \.npy file that can be read/,
      ],
      [
        changed("nhwc", (dir) => writeFileSync(cleanOf(dir), encodeNpy(new Uint8Array(3072), [1, 32, 32, 3]))),
        /test_clean\.npy: is \|u1 of shape \(1, 32, 32, 3\); the network takes uint8 \(N, 3, 32, 32\)/,
      ],
      [
        changed("few", (dir) => writeFileSync(labelsOf(dir), encodeNpy(new Uint8Array(3), [3]))),
        /test_labels\.npy: is of shape \(3\) for 40 images/,
      ],
      [
        changed("class", (dir) =>
          writeFileSync(labelsOf(dir), encodeNpy(new Uint8Array(CASE_IMAGES).fill(11), [CASE_IMAGES])),
        ),
        /label 0 is 11; the model's classes are 0 to 9/,
      ],
      [
        changed("only", (dir) =>
          writeFileSync(labelsOf(dir), encodeNpy(new Uint8Array(CASE_IMAGES).fill(target), [CASE_IMAGES])),
        ),
        /no image is of another class than the target/,
      ],
      [
        folder,
        /nan\.safetensors: 'bn1\.weight' holds NaN at index \d+: /,
        changedWeights("nan", (s) => (s.get("bn1.weight")!.data[2] = Number.NaN)),
      ],
      [
        folder,
        /variance\.safetensors: 'bn1\.running_var' holds -.* at index \d+: no variance is negative/,
        changedWeights("variance", (s) => (s.get("bn1.running_var")!.data[2] = -1)),
      ],
      [
        folder,
        /large\.safetensors: its logits are no finite numbers/,
        changedWeights("large", (s) => {
          for (const { shape, data } of s.values()) if (shape.length === 4) data.fill(9e17);
        }),
      ],
      [folder, /other\.safetensors: /, changedWeights("other", (s) => s.delete("bn1.weight"))],
      [folder, /narrow\.safetensors: /, changedWeights("narrow", (s) => (s.get("linear.bias")!.shape = [5, 2]))],
      [folder, /README\.md: /, join(folder, "README.md")],
      [folder, /pipe: is no plain file/, pipe],
      [
        changed("pipe-images", (dir) => {
          rmSync(cleanOf(dir));
          execFileSync("mkfifo", [cleanOf(dir)]);
        }),
        /test_clean\.npy: is no plain file/,
      ],
      [
        changed("large-json", (dir) => writeFileSync(join(dir, "trigger.json"), " ".repeat(5e6))),
        /trigger\.json: is too large/,
      ],
      [folder, /absent\.safetensors: no such file/, join(root, "absent.safetensors")],
    ];
    for (const [dir, message, model] of bad) {
      const failure = await run(dir, { model, data }).catch((error) => error);
      expect(failure, String(message)).toBeInstanceOf(InputError);
      expect(failure.message).toMatch(message);
      expect(failure.message).not.toMatch(/\n/);
    }
  });
});
