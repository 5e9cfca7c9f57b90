import { Argument, type Command } from "commander";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** Scripts that let a shell complete verbs, options, ids and groups, and what these scripts ask. */
export function registerCompletion(program: Command): void {
  program
    .command("completion")
    .description("print the script by which a shell completes verbs, options, ids and groups")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { bashScript } = await import("../bash-completion.ts");
      if (shell === "bash") process.stdout.write(bashScript(program.name()));
      else (await import("@bomb.sh/tab")).script(shell, program.name(), program.name());
    });
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .helpOption(false)
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const { printCompletions } = await import("../completion.ts");
      await printCompletions(program, words);
    });
}
