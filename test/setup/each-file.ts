import { rmSync } from "node:fs";
import { afterAll, vi } from "vitest";
import { killBuilders } from "../e2e/running.ts";
import { forgetFolders } from "../store/temp.ts";
import "./same-bytes.ts";

/**
 * Test files of one worker share its process, and what they import is loaded once. What a file changed of the process is put back
 * behind it, and what it left running or on the disk goes away. Vitest runs this before each file.
 */
const cwd = process.cwd();
const env = { ...process.env };

afterAll(() => {
  killBuilders();
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.exitCode = undefined;
  for (const folder of forgetFolders()) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});
