import { spawnSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Namespaces of its own for a plug-in, by Linux' `unshare` (util-linux). The plug-in sees its own processes and no others,
 * so no ancestor's command line or environment. Hidden folders are empty for it. The kernel ends all of its processes with
 * the first one, whatever session they moved to.
 *
 * Other systems and most containers do not allow this. There a process group has to do (`remnants.ts`).
 */

/** A variable of the environment; `off` runs plug-ins without namespaces, for programs that do not bear them. */
const SWITCH = "BDEFECTS_ISOLATION";
const PROBE_MS = 10_000;

const NAMESPACES = ["--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child", "--mount-proc"];
/** Without the right to mount, a user namespace gives it, where the system has those. */
const OWN_USERS = ["--user", "--map-root-user"];

/**
 * Runs inside the namespaces, with the right to mount: hides folders, gives that right back, and becomes the command. A
 * user is itself again; root loses what would undo the mounts. An older util-linux may not know how; the mounts hold anyway.
 */
const SETTLE = `
uid=$1 gid=$2 place=$3
shift 3
while [ "$1" != -- ]; do
  mount -t tmpfs -o ro,size=4k,mode=755 none "$1" || exit 125
  shift
done
shift
cd "$place" || exit 125
if [ "$uid" = 0 ]; then
  setpriv --bounding-set -sys_admin,-sys_ptrace true 2>/dev/null &&
    exec setpriv --bounding-set -sys_admin,-sys_ptrace "$@"
else
  unshare --user --map-user="$uid" --map-group="$gid" true 2>/dev/null &&
    exec unshare --user --map-user="$uid" --map-group="$gid" "$@"
fi
exec "$@"
`;

type Found = { options: string[] } | { fault: string };
let found: Found | undefined;

/** Why plug-ins run without namespaces; null where they have them. Tried once per process. */
export function isolationFault(): string | null {
  found ??= find();
  return "fault" in found ? found.fault : null;
}

/**
 * The command that runs another one inside namespaces of its own.
 *
 * @param hidden existing folders, by absolute path, none inside another
 * @param place the working folder
 * @throws Error where there are none (`isolationFault`)
 */
export function insideNamespaces(words: readonly string[], hidden: readonly string[], place: string): string[] {
  found ??= find();
  if ("fault" in found) throw new Error(found.fault);
  return commandOf(found.options, words, hidden, place);
}

function commandOf(options: string[], words: readonly string[], hidden: readonly string[], place: string): string[] {
  const ids = [process.getuid?.() ?? 0, process.getgid?.() ?? 0].map(String);
  return ["unshare", ...options, "/bin/sh", "-c", SETTLE, "sh", ...ids, place, ...hidden, "--", ...words];
}

function find(): Found {
  if (process.env[SWITCH] === "off") return { fault: `process group only: ${SWITCH}=off` };
  if (process.platform !== "linux") return { fault: "process group only: namespaces are Linux'" };
  const isRoot = process.getuid?.() === 0;
  const ways = [...(isRoot ? [NAMESPACES] : []), [...OWN_USERS, ...NAMESPACES]];
  const options = ways.find(works);
  return options ? { options } : { fault: "process group only: the system does not let 'unshare' make namespaces" };
}

/** Whether all of it works here: a folder can be hidden, and the command becomes the first process. */
function works(options: string[]): boolean {
  const folder = mkdtempSync(join(tmpdir(), "hidden-"));
  try {
    const [command, ...args] = commandOf(options, ["/bin/sh", "-c", 'test "$$" = 1'], [folder], "/");
    const { status } = spawnSync(command, args, { stdio: "ignore", timeout: PROBE_MS });
    return status === 0;
  } finally {
    rmdirSync(folder);
  }
}
