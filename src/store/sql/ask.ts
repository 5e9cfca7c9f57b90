import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { InputError } from "../../core/errors.ts";
import type { SqlAnswer, SqlLimits, SqlOrder } from "./ask-process.ts";
import { addRows, type SqlRow } from "./select.ts";

/** How long a statement may take, in seconds. */
export const SQL_SECONDS = 60;

const LIMITS: SqlLimits = { seconds: SQL_SECONDS, databaseMegabytes: 1000, processMegabytes: 1600, values: 3_000_000 };

const TOO_LARGE = "the statement needs more memory than a query may have; ask for less, e.g. by 'where'";

/** V8 aborts where its memory is used up. */
function isOutOfMemory(status: number | null, signal: NodeJS.Signals | null): boolean {
  return signal === "SIGABRT" || status === 134;
}

/**
 * Runs one SELECT statement in a process of its own, which can be ended whatever it is at: DuckDB does not let go of some
 * functions by itself, nor count all of their memory.
 *
 * @returns rows with JSON's types; null where the catalog is not of the fingerprint's records
 * @throws InputError on bad SQL and where a limit is reached
 */
export async function askSql(order: Omit<SqlOrder, "limits">, seconds: number = SQL_SECONDS): Promise<SqlRow[] | null> {
  const fromSource = import.meta.url.endsWith(".ts");
  const path = fileURLToPath(new URL(`./ask-process.${fromSource ? "ts" : "js"}`, import.meta.url));
  const child = fork(path, {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    // Converting one huge list lets nobody watch; V8's own limit ends it.
    execArgv: [`--max-old-space-size=${LIMITS.databaseMegabytes}`, ...(fromSource ? ["--import", "tsx"] : [])],
  });
  const stop = () => child.kill("SIGKILL");
  process.once("exit", stop);
  const rows: SqlRow[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const fail = (text: string) => reject(new InputError(`${order.option}: ${text}`));
      const late = setTimeout(() => {
        fail(
          `the statement took more than ${seconds} s; ask for less${order.option === "--sql" ? ", or raise --timeout" : ""}`,
        );
      }, seconds * 1000);
      child.on("message", (answer: SqlAnswer) => {
        if (answer.type === "chunk") addRows(rows, answer.chunk);
        else if (answer.type === "done") resolve(rows);
        else if (answer.type === "stale") resolve(null);
        else if (answer.type === "fault") reject(new InputError(answer.message));
        else if (answer.limit === "values")
          fail(`the answer has more than ${LIMITS.values} values; add LIMIT or aggregate`);
        else fail(TOO_LARGE);
      });
      child.on("error", reject);
      child.on("exit", (status, signal) => {
        clearTimeout(late);
        // A message that came before has been answered already.
        setImmediate(() =>
          fail(
            isOutOfMemory(status, signal)
              ? TOO_LARGE
              : `the process that ran it ended (${signal ?? `status ${status}`})`,
          ),
        );
      });
      child.send({ ...order, limits: { ...LIMITS, seconds } } satisfies SqlOrder);
    });
  } finally {
    process.removeListener("exit", stop);
    stop();
  }
}
