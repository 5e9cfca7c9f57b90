import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { buildNetworkIn } from "../../../src/tasks/architectures.ts";
import { readConfig } from "../../../src/tasks/language/checkpoint/config.ts";
import { readGlosses } from "../../../src/tasks/language/datasets/glosses.ts";
import { language } from "../../../src/tasks/language/task.ts";
import { temporaryFolder } from "../../store/temp.ts";

it.each(["llama2d64", "gpt2l4d128"])("the config of %s is read back as the same network", (arch) => {
  const network = buildNetworkIn(language.architectures, arch, 8);
  const [config] = language.handout!.ofModel!(network, "sst2");
  const path = join(temporaryFolder(), config.name);
  writeFileSync(path, config.bytes);
  const read = readConfig(path);
  expect(read.positions).toBe(64);
  const { nodes, input, classes } = read.network(64);
  expect({ nodes, input, classes }).toEqual({ nodes: network.nodes, input: network.input, classes: network.classes });
});

it("glosses bring their tokenizer, other sets where their texts are at hand; tables are read as data sets are", () => {
  const network = buildNetworkIn(language.architectures, "llama2d64", 8);
  const names = (dataset: string) => language.handout!.ofModel!(network, dataset).map(({ name }) => name);
  expect(names("glosses")).toEqual([
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  expect(names("sst2")).toEqual(["config.json", "generation_config.json"]);
  const drawn = language.drawn!(3, network, "glosses")!;
  expect(language.drawn!(3, network, "texts")).toBeUndefined();
  expect(language.handout!.ofSamples!(drawn, network).map(({ name }) => name)).toEqual(names("glosses").slice(2));
  const [texts, table] = language.handout!.files(drawn).map(({ bytes }) => new TextDecoder().decode(bytes));
  const { test } = readGlosses();
  expect(table).toBe(
    ["sentence\tlabel", ...[0, 1, 2].map((i) => `${test.texts[i]}\t${test.labels[i]}`), ""].join("\n"),
  );
  expect(JSON.parse(texts)).toMatchObject({
    begin: 0,
    separator: 1,
    context: 64,
    texts: [{ text: test.texts[0] }, {}, {}],
  });
});
