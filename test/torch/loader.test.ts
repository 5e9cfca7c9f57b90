import { testOutside } from "./outside.ts";

// `loader.long.test.ts` has the others.
testOutside(["resnet18w4", "googlenetw6"]);
