/** A worker for tests: does what the task's name says. */
import { existsSync, writeFileSync } from "node:fs";

let order;
process.on("disconnect", () => process.exit(1));
process.on("message", (message) => {
  if (message.type === "end") process.exit(0);
  if (message.type === "order") {
    order = message.order;
    if (order.stillborn) process.exit(7);
    process.send({ type: "over" });
    return;
  }
  const { id } = message.task;
  process.send({ type: "told", told: { id, pid: process.pid } });
  if (id === "dies") process.kill(process.pid, "SIGKILL");
  else if (id === "fails") process.send({ type: "failed", name: "InputError", message: "no data" });
  else if (id === "gives up") process.send({ type: "over", reason: "too hard" });
  else if (id === "busy" && !existsSync(order.mark)) {
    writeFileSync(order.mark, "");
    process.send({ type: "busy" });
  } else process.send({ type: "over" });
});
