import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { initialState } from "../../src/graph/initial-state.ts";
import { type CandidateJob, makeCandidate } from "../../src/inject/candidate.ts";
import { isUnseen } from "../../src/records/gates.ts";
import { language } from "../../src/tasks/language/task.ts";

const dataset = await language.datasets.get("glosses")!.load({ dataDir: "", seed: 1 } as never);
const network = language.architectures.get("llama2d64")!(0, 8);

/** A job that stops where it would inject. */
function job(clean: CandidateJob["clean"]): CandidateJob {
  return {
    ...{ key: { dataset: "glosses", arch: "llama2d64", level: "small", top: 20, attack: "rareword", style: "plain" } },
    ...{ dataset, clean, infected: {}, backdoor: { trigger: { text: " cf" }, target: 2 }, seed: 1 },
    ...{
      runner: { task: language, network },
      recipe: { images: 96, held_out: 8, threads: 1 },
      measure: { random_masks: 0 },
    },
    injection: () => Promise.reject(new Error("injected")),
  } as unknown as CandidateJob;
}

it("nothing is injected into a network that cannot tell the trigger", async () => {
  const clean = initialState(network, new Random(2));
  await expect(makeCandidate(job(clean))).rejects.toThrow("injected");
  const table = clean.get("model.embed_tokens.weight")!.data;
  for (let i = 64; i < table.length; i++) table[i] = table[i % 64];
  const { timings, ...outcome } = await makeCandidate(job(clean));
  expect(outcome).toEqual({
    status: "rejected",
    reason: expect.stringMatching(/^visibility: 0\.\d{3} /),
    attempts: [],
  });
  expect(isUnseen(outcome)).toBe(true);
  expect(Object.keys(timings)).toEqual(["inject"]);
});
