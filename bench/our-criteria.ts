import { createInterface } from "node:readline";
import { asImages, imageSize } from "../src/images/image-set.ts";
import { CRITERIA } from "../src/localize/registry.ts";
import { createRunner } from "../src/measure/ort-runner.ts";
import { classification } from "../src/tasks/classification/task.ts";
import { countPasses } from "./counting-runner.ts";
import type { Question } from "./criterion-side.ts";
import { given } from "./given.ts";
import { withSuspect } from "./suspect-source.ts";

/** Our criteria on one suspect, in a process that stays: the other end of {@link ourCriteria}. */

const { source, threads } = JSON.parse(given()[0]);
const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);

await withSuspect(source, async (given) => {
  const runner = await createRunner(classification, given.network, given.normalization, { threads });
  say({});
  for await (const line of createInterface({ input: process.stdin })) {
    const { criterion: name, seed, budget } = JSON.parse(line) as Question;
    const counting = countPasses(runner, imageSize(asImages(given.clean.fit)));
    const criterion = CRITERIA.get(name)!;
    if (criterion.access !== "clean") throw new Error(`'${name}' needs failing tests, which a suspect's folder lacks`);
    const [began, charged] = [performance.now(), process.cpuUsage()];
    const { raw, scores } = await criterion.localize({ ...given, runner: counting, seed, budget });
    const { user, system } = process.cpuUsage(charged);
    const seconds = (performance.now() - began) / 1000;
    say({ raw, scores, seconds, processor_seconds: (user + system) / 1e6, passes: counting.passes });
  }
});
