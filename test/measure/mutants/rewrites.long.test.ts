import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";
import { testMutants } from "./by-suffix.ts";

// Lowered plainly, and blocked at every fifth unit, which falls on each of an inception's branches in turn.
testMutants([
  [buildNetwork("googlenetw4", 10), 1, 3, 1, 1],
  [buildNetwork("googlenetw16", 10), 5, 2, 1, 2],
]);
