import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeTinyData } from "../e2e/tiny.ts";
import { temporaryFolder } from "../store/temp.ts";
import { bdefects, rowsOf } from "./program.ts";

const GROUPS = ["cifar10-vgg13w8-badnets", "cifar10-resnet18w8-badnets"];
const COUNT = 6;

interface Entry {
  name: string;
  id: string;
  version: string;
  model_sha256: string;
}

describe("a blind hand-out", () => {
  let data: string;
  let dir: string;
  const place = (folder: string) => ["--db", "sample", "--data", data, "--out", folder];
  const keyOf = (path: string) => JSON.parse(readFileSync(path, "utf8")) as { secret: string; models: Entry[] };
  const exported = (folder: string, ...more: string[]) =>
    bdefects(["export", ...GROUPS, "--blind", String(COUNT), ...place(folder), ...more]);
  beforeAll(() => {
    data = writeTinyData(temporaryFolder());
    dir = join(temporaryFolder(), "handed-out");
    const ran = exported(dir);
    expect(ran.status, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/warning: \d of 6 models share their clean model with another/);
  });

  it("is folders as plug-ins get them, that say nothing of id or version; the key lies apart", () => {
    const { models, secret } = keyOf(`${dir}.key.json`);
    expect(models).toHaveLength(COUNT);
    expect(new Set(models.map(({ version }) => version))).toEqual(new Set(["infected", "sham", "clean"]));
    const folders = readdirSync(dir).filter((name) => name !== "README.md");
    expect(folders).toEqual(models.map(({ name }) => name));
    expect(folders.every((name) => /^model-[0-9a-f]{12}$/.test(name))).toBe(true);

    const hours = new Set<number>([statSync(dir).mtimeMs]);
    const sizes = new Map<string, Set<number>>();
    const shared = new Map<string, Set<string>>();
    for (const { name, id, model_sha256 } of models) {
      for (const file of readdirSync(join(dir, name), { withFileTypes: true })) {
        const path = join(dir, name, file.name);
        hours.add(statSync(path).mtimeMs);
        if (!file.isFile()) continue;
        const bytes = readFileSync(path);
        const arch = id.split("-")[1];
        const kind = `${file.name} ${/^model\.(safetensors|onnx)$/.test(file.name) ? arch : ""}`;
        if (file.name !== "model.json") sizes.set(kind, (sizes.get(kind) ?? new Set()).add(bytes.length));
        if (file.name.endsWith(".npy")) shared.set(kind, (shared.get(kind) ?? new Set()).add(bytes.toString("base64")));
        const text = bytes.toString("latin1");
        // The loader is the same for every checkout, and names what those have.
        const words = file.name === "load_in_torch.py" ? [id] : [id, "badnets", "cifar", "infected", "sham", secret];
        for (const told of words) expect(text.includes(told), `${file.name}: ${told}`).toBe(false);
      }
      const weights = readFileSync(join(dir, name, "model.safetensors"));
      expect(createHash("sha256").update(weights).digest("hex")).toBe(model_sha256);
      const { name: called, seed } = JSON.parse(readFileSync(join(dir, name, "model.json"), "utf8"));
      expect(called).toBe(name);
      expect(seed).toEqual(expect.any(Number));
    }
    expect(hours.size).toBe(1);
    for (const [kind, found] of sizes) expect(found.size, kind).toBe(1);
    for (const [kind, found] of shared) expect(found.size, kind).toBe(1);
  });

  it("is another one each time, and the same by a seed", () => {
    const folder = (name: string) => join(temporaryFolder(), name);
    const [a, b, c] = ["a", "b", "c"].map(folder);
    const drawn = (to: string, ...more: string[]) => {
      const ran = bdefects(["export", GROUPS[0], "--blind", "2", ...place(to), ...more]);
      expect(ran.status, ran.stderr).toBe(0);
      return keyOf(`${to}.key.json`);
    };
    const seeded = drawn(a, "--seed", "5");
    expect(drawn(b, "--seed", "5")).toEqual(seeded);
    const { models, secret } = drawn(c);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(models.map(({ name }) => name)).not.toEqual(seeded.models.map(({ name }) => name));
  });

  it("is scored by its key; answers that are missing or wrong are listed and cost themselves", () => {
    const { models } = keyOf(`${dir}.key.json`);
    const answers = join(temporaryFolder(), "answers");
    mkdirSync(answers);
    const answerTo = (name: string) => {
      const { layers } = JSON.parse(readFileSync(join(dir, name, "model.json"), "utf8"));
      return {
        scores: Object.fromEntries(
          layers.map((layer: { name: string; width: number }) => [
            layer.name,
            Array.from({ length: layer.width }, (_, c) => c % 5),
          ]),
        ),
      };
    };
    for (const { name } of models) writeFileSync(join(answers, `${name}.json`), JSON.stringify(answerTo(name)));
    const key = ["--key", `${dir}.key.json`];
    const scored = ["score", "--answers", answers, ...key, "--db", "sample"];
    const rows = rowsOf([...scored, "--criterion", "theirs"]);
    expect(rows).toHaveLength(6 * COUNT);
    expect(rows[0]).toMatchObject({
      id: models[0].id,
      version: models[0].version,
      criterion: "cmd-theirs",
      seconds: null,
    });
    expect(rows.every(({ auroc, truth }) => truth === "effective" || auroc !== null)).toBe(true);
    expect(rowsOf([...scored, "--summary"])).toMatchObject([{ criterion: "cmd-answers" }]);

    const [lost, wrong, inside] = models.map(({ name }) => name);
    const partly = join(temporaryFolder(), "partly");
    mkdirSync(join(partly, inside, "out"), { recursive: true });
    writeFileSync(join(partly, inside, "out", "scores.json"), JSON.stringify(answerTo(inside)));
    writeFileSync(join(partly, `${wrong}.json`), "{}");
    for (const { name } of models.slice(3)) {
      writeFileSync(join(partly, `${name}.json`), JSON.stringify(answerTo(name)));
    }
    const ran = bdefects(["score", "--answers", partly, ...key, "--db", "sample", "--format", "json"]);
    expect(ran.status).toBe(1);
    expect(JSON.parse(ran.stdout)).toHaveLength(6 * (COUNT - 2));
    expect(ran.stderr).toContain(`no answer: ${lost}.json or ${lost}/out/scores.json`);
    expect(ran.stderr).toContain(`${wrong}.json: 'scores': `);
    expect(ran.stderr).toContain("error: 2 of 6 answers are missing or wrong; the others are scored");
  });

  it("refuses a key inside, too many models, and a key that is none", () => {
    const other = join(temporaryFolder(), "other");
    const garbage = join(temporaryFolder(), "garbage.json");
    writeFileSync(garbage, '{"format": "bdefects4nn-blind-key-1", "secret": "", "models": [{"name": "../../etc"}]}');
    const faults: [string[], RegExp][] = [
      [["export", ...GROUPS, "--blind", "6", ...place(other), "--key", join(other, "key.json")], /lies inside .*other/],
      [["export", ...GROUPS, "--blind", "6", ...place(other), "--key", garbage], /garbage\.json: exists already/],
      [
        ["export", ...GROUPS, "--blind", "1000", ...place(other)],
        /--blind 1000: the selection has \d+ different models/,
      ],
      [["export", ...GROUPS, "--out", other, "--db", "sample", "--seed", "1"], /--seed: belongs to --blind/],
      [["score", "--answers", dir, "--key", garbage, "--db", "sample"], /no key that 'bdefects export --blind' wrote/],
      [["score", "--answers", dir, "--db", "sample"], /--answers: name the key/],
      [["score", "--answers", join(dir, "none"), "--key", `${dir}.key.json`, "--db", "sample"], /none: /],
    ];
    for (const [args, fault] of faults) {
      const { status, stderr } = bdefects(args);
      expect(status, args.join(" ")).toBe(2);
      expect(stderr).toMatch(fault);
    }
    expect(existsSync(other)).toBe(false);
  });
});
