import { buildNetwork } from "../../../src/tasks/classification/models/registry.ts";
import { testMutants } from "./by-suffix.ts";

// At every fifth unit, which falls on each of an inception's branches in turn.
testMutants([[buildNetwork("googlenetw16", 10), 5, 2, 1, 2]]);
