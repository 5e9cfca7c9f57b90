import { testOutside } from "./outside.ts";

testOutside(["vgg13w8", "vgg16w4"]);
