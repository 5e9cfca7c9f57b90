import { Command, CommanderError } from "commander";
import { CheckFailed, InputError } from "../core/errors.ts";
import { oneLine, visibleLines } from "../core/visible.ts";
import { asInputError } from "../store/disk/fs.ts";
import { packageVersion } from "../store/version.ts";
import { addArchivedDatabases } from "./archived-database.ts";
import { verbFirst } from "./arguments.ts";
import { refuseBlankNames } from "./blank-names.ts";
import { refuseAbsentData } from "./data-folder.ts";
import { addExamples } from "./examples.ts";
import { REGISTER_VERBS } from "./registry.ts";

const DONE = 0;
const CHECK_FAILED = 1;
const BAD_INPUT = 2;

/** Builds the program with all verbs; heavy modules are loaded by the verbs' actions, not here. */
function buildProgram(): Command {
  const program = new Command("bdefects")
    .description("Build, store, serve and study a database of backdoored networks whose infected neurons are known")
    .version(packageVersion(), "-V, --version", "print the version")
    .option("--debug", "print the stack of an error")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .exitOverride()
    // Errors are printed once, by `report`.
    .configureOutput({ outputError: () => undefined, writeErr: () => undefined });
  for (const register of REGISTER_VERBS) register(program);
  refuseAbsentData(program);
  addArchivedDatabases(program);
  addExamples(program);
  refuseBlankNames(program);
  return program;
}

/** What some verbs call otherwise: results are read where they were written, and a recipe file is an edition of the user's own. */
const ALIKE: Record<string, string> = {
  ...{ "--results": "--out", "--out": "--results", "--recipe": "--edition" },
};

/** `; 'VERB' takes --out <dir>: …` where an option is unknown to a verb that has its like, else nothing. */
function alike(flag: string | undefined, verb: Command | undefined): string {
  const found = verb?.options.find(({ long }) => flag !== undefined && long === ALIKE[flag]);
  return found ? `; '${verb!.name()}' takes ${found.flags}: ${found.description}` : "";
}

/** The verbs that the words name, each within the one before. */
function verbsIn(command: Command, [word, ...further]: readonly string[]): Command[] {
  const verb = command.commands.find((candidate) => candidate.name() === word);
  return verb ? [verb, ...verbsIn(verb, further)] : [];
}

function usage(error: CommanderError, program: Command, argv: readonly string[]): string {
  const words = verbFirst(program, [...argv]);
  const path = verbsIn(program, words);
  const group = path.findLast((command) => command.commands.length > 0) ?? program;
  const shown = group.createHelp().visibleCommands(group);
  const verbs = shown.map((command) => command.name()).join(", ");
  if (error.code === "commander.help") {
    const name = group === program ? "bdefects" : `bdefects ${group.name()}`;
    return `name a verb: ${verbs}; see '${name} --help'`;
  }
  if (error.code === "commander.unknownCommand") return `${error.message.replace(/^error: /, "")}; valid: ${verbs}`;
  const message = error.message.replace(/^error: /, "");
  const verb = path.at(-1);
  const help = ["bdefects", ...path.map((command) => command.name()), "--help"].join(" ");
  if (error.code === "commander.missingArgument" && verb) return `${message}; '${help}' says what goes where`;
  if (error.code !== "commander.unknownOption") return message;
  const known = alike(/'(--\w+)'/.exec(message)?.[1], verb);
  // Commander's own suggestion goes by letters.
  const suggestion = /\s*\(Did you mean .*\)$/s;
  if (known !== "") return message.replace(suggestion, "") + known;
  return suggestion.test(message) ? message : `${message}; '${help}' lists the options`;
}

/** What a fault of the program says to nobody but its authors. */
const INTERNAL = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError, URIError];

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return `a fault inside bdefects (${typeof error} was thrown); ${REPORT_IT}`;
  const { code, path } = error as NodeJS.ErrnoException;
  if (error.name === "InputError" || error instanceof CheckFailed) return error.message || error.name;
  const told = asInputError(error, path ?? "the file system");
  if (told instanceof InputError) return told.message;
  const isInternal = INTERNAL.some((kind) => error instanceof kind) || code?.startsWith("ERR_") || !error.message;
  return isInternal ? `a fault inside bdefects (${error.name}${code ? ` ${code}` : ""}); ${REPORT_IT}` : error.message;
}

const REPORT_IT = "the same command with --debug prints where; please report it";

/** Prints an error as one line on stderr. @returns the exit status. */
function report(error: unknown, program: Command, argv: readonly string[]): number {
  if (error instanceof CommanderError && error.exitCode === 0) return DONE;
  const message = error instanceof CommanderError ? usage(error, program, argv) : messageOf(error);
  // Commander puts its suggestions, and libraries their details, on further lines.
  process.stderr.write(`error: ${oneLine(message)}\n`);
  if (argv.includes("--debug") && error instanceof Error)
    process.stderr.write(`${visibleLines(String(error.stack))}\n`);
  return error instanceof CheckFailed ? CHECK_FAILED : BAD_INPUT;
}

/** One run of the program; both functions give an exit status. */
export interface Run {
  /** Does what the arguments say. */
  done(): Promise<number>;
  /** Tells of an error that came outside of `done`. */
  fail(error: unknown): number;
}

/** @param argv what stands behind the program's name */
export function programRun(argv: readonly string[]): Run {
  const program = buildProgram();
  const fail = (error: unknown) => report(error, program, argv);
  return {
    fail,
    async done() {
      try {
        await program.parseAsync(verbFirst(program, [...argv]), { from: "user" });
        return DONE;
      } catch (error) {
        // The error's line is the last, behind what listings note once their rows are out.
        await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
        return fail(error);
      }
    },
  };
}
