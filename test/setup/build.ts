import { execFileSync } from "node:child_process";

/** The CLI tests run the built program, so it is built once, before any test. */
export default function build(): void {
  execFileSync("npm", ["run", "--silent", "build"], { stdio: "inherit" });
}
