import { join } from "node:path";
import { expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { Dispatcher } from "../../src/pipeline/executors/dispatch.ts";
import { isRunning } from "../e2e/builder.ts";
import { temporaryFolder } from "../store/temp.ts";

interface Told {
  id: string;
  pid: number;
}

async function run(ids: string[], jobs: number, order: object = {}) {
  const told: Told[] = [];
  const over: [id: string, reason?: string][] = [];
  const running = Dispatcher.run<{ id: string }, Told>({
    script: join(import.meta.dirname, "dispatch-worker.mjs"),
    order: { mark: join(temporaryFolder(), "mark"), ...order },
    tasks: ids.map((id) => ({ id })),
    jobs,
    onTold: (message) => told.push(message),
    onOver: ({ id }, reason) => over.push(reason === undefined ? [id] : [id, reason]),
  });
  const error = await running.then(
    () => null,
    (reason: Error) => reason,
  );
  return { told, over, error };
}

it.each([1, 2])("%i worker(s): every task is over once, whatever becomes of it, and no worker stays", async (jobs) => {
  const { told, over, error } = await run(["busy", "a", "dies", "gives up", "b", "c"], jobs);
  expect(error).toBeNull();
  expect(over.sort()).toEqual([
    ["a"],
    ["b"],
    ["busy"],
    ["c"],
    ["dies", "its worker process ended with SIGKILL"],
    ["gives up", "too hard"],
  ]);
  // The busy one was tried twice; the one whose worker died was not.
  expect(told.map(({ id }) => id).sort()).toEqual(["a", "b", "busy", "busy", "c", "dies", "gives up"]);
  if (jobs === 1) expect(new Set(told.map(({ pid }) => pid)).size).toBe(2);
  expect(told.filter(({ pid }) => isRunning(pid))).toEqual([]);
});

it("the last task's worker may die too", async () => {
  const { over, error } = await run(["a", "dies"], 1);
  expect([over.length, error]).toEqual([2, null]);
});

it("one that says that going on is pointless ends all, and so does one that never begins", async () => {
  const { error, told } = await run(["fails", "a", "b", "c"], 1);
  expect(error).toBeInstanceOf(InputError);
  expect(error?.message).toBe("no data");
  expect(told.filter(({ pid }) => isRunning(pid))).toEqual([]);
  expect((await run(["a"], 1, { stillborn: true })).error?.message).toContain("ended with status 7 before its work");
});
