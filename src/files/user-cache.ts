import { homedir } from "node:os";
import { join } from "node:path";

/** This program's folder in the user's cache, by the platform's custom. */
export function userCache(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === "win32" && LOCALAPPDATA) return join(LOCALAPPDATA, "bdefects4nn");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "bdefects4nn");
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "bdefects4nn");
}

/** Where data sets lie unless told otherwise. */
export function defaultDataDir(): string {
  return join(userCache(), "data");
}
