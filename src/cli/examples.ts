import type { Command } from "commander";

const ID = "cifar10-resnet18w8-badnets-small-top040";
const GROUP = "cifar10-resnet18w8-badnets";

/** What help shows below the options, by verb; the first words of each line are the verb's own. */
export const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  demo: ["demo --db demo-db"],
  "data list": ["data list"],
  "data fetch": [
    "data fetch cifar10",
    "data fetch cifar10 --archive cifar-10-python.tar.gz",
    "data fetch gtsrb --data ./data",
  ],
  "data check": ["data check gtsrb --classes"],
  build: [
    "build --edition lite --dry-run",
    "build --dataset cifar10 --arch resnet18w16 --attack badnets --level small,large --offset 0,20,40 --db DB",
  ],
  groups: ["groups --db sample", "groups --fields group_id,accepted,asr --db sample"],
  ids: [`ids ${GROUP} --db sample`, "ids --where \"status = 'rejected'\" --long --db sample"],
  info: ["info --db sample", `info ${ID} --db sample`, `info ${GROUP} --db sample`],
  query: [
    "query --where \"asr > 0.99 and level = 'small'\" --db sample",
    'query --sql "select level, avg(asr) from defects group by level" --db sample',
    'query --sql "select layer, count(*) from neurons where effective group by layer" --db sample',
  ],
  checkout: [`checkout ${ID} case --sham --db sample`],
  test: ["test case", "test case --model repaired.safetensors"],
  verify: ["verify --all", `verify ${ID} --metrics --db sample`],
  deprecate: ['deprecate ID --reason "the trigger is cut off"', "deprecate ID --restore"],
  localize: [`localize ${GROUP} --criterion clp,nc --out results --db sample`],
  repair: [
    `repair ${GROUP} --method prune --using clp:topk,oracle,random --out results --db sample`,
    `repair ${ID}:sham ${ID}:clean --method prune --using oracle --out results --db sample`,
    "repair suspect.pt --method prune --using clp --data photos --out repaired",
    "repair smollm --method prune --using clp,fp --out repaired",
    "repair case --method finetune --using clp --out repaired",
  ],
  score: [
    "score --summary --results results --db sample",
    `score ${GROUP} --criterion clp --results results --db sample`,
    "score --repairs --results results --db sample --format csv",
  ],
  study: ["study --dry-run", "study study/mine.yaml --out results --db sample"],
  inspect: [
    "inspect suspect.pt --data ./data",
    "inspect suspect.pt --data photos --criterion clp,nc",
    "inspect smollm --memory 2G",
  ],
  "train-localizer": [
    "train-localizer --db sample --data ./data --out mine",
    `train-localizer --where "arch <> 'googlenetw8'" --truth full --db sample --data ./data --out mine`,
  ],
  "board run": [
    "board run board/entries/mine.json --data ./data",
    "board run board/entries/mine.json --fresh 31415",
    "board run board/entries/nc.json --results results",
  ],
  "board check": ["board check"],
  report: ["report --db DB", "report --out figures --format md,latex,svg --db DB"],
  serve: ["serve --db sample", "serve --db sample --results results"],
  site: ["site --out public --db sample"],
  datasheet: ["datasheet --out about --db sample"],
  export: ["export --out defects.tar.gz", `export ${GROUP} --tables parquet --out tables --db sample`],
  import: ["import defects.tar.gz --db mine"],
  reindex: ["reindex --db DB"],
  env: ["env"],
  completion: ["completion bash"],
};

const FIRST_STEPS = ["demo", "groups --db sample", `info ${ID} --db sample`];

/** Adds examples to the help of the program and of every verb. */
export function addExamples(program: Command): void {
  program.addHelpText("after", helpText("First steps", FIRST_STEPS));
  const below = (command: Command, prefix: string) => {
    for (const verb of command.commands) {
      const name = `${prefix}${verb.name()}`;
      const examples = Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : [];
      if (examples.length > 0)
        verb.addHelpText("after", helpText(examples.length > 1 ? "Examples" : "Example", examples));
      below(verb, `${name} `);
    }
  };
  below(program, "");
}

function helpText(title: string, lines: readonly string[]): string {
  return `\n${title}:\n${lines.map((line) => `  bdefects ${line}\n`).join("")}`.trimEnd();
}
