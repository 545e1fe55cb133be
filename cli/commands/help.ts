import { GLOBAL_OPTIONS, type OptionSpec, UsageError } from "../args.ts";
import { type Command, COMMANDS } from "../commands.ts";
import type { Context } from "../context.ts";
import { table } from "../output.ts";
import manifest from "../../deno.json" with { type: "json" };

/** Returns an option as the help shows it: `-f, --file FILE`. */
function flagText(option: OptionSpec): string {
  return (option.short === undefined ? "    " : `-${option.short}, `) +
    `--${option.long}` +
    (option.value === undefined ? "" : ` ${option.value}`);
}

function optionLines(options: readonly OptionSpec[]): string[] {
  return table(options.map((o) => [`  ${flagText(o)}`, o.help]));
}

function commandLines(commands: readonly Command[]): string[] {
  return table(
    commands.map((
      c,
    ) => [
      `  ${c.name}${c.operands === "" ? "" : ` ${c.operands}`}`,
      c.summary,
    ]),
  );
}

/** Returns the help on the whole program. */
export function usage(): string {
  return [
    "A filesystem in one SQLite file.",
    "",
    "Usage: aloelite [-f FILE] [-v VOLUME] COMMAND [OPERANDS] [OPTIONS]",
    "       aloelite -f FILE     create FILE, or show facts about it",
    "",
    "Commands:",
    ...commandLines(COMMANDS),
    "",
    "Options, before or after the command:",
    ...optionLines([
      ...GLOBAL_OPTIONS,
      {
        long: "version",
        help: "print the version and exit (before a command)",
      },
    ]),
    "",
    "The PIN of an encrypted volume is asked for when no option gives it and",
    "standard input is a terminal.",
    "",
    "Exit codes: 0; 1 for a failure; 2 for a usage error; 130 and 143 when interrupted",
    "or terminated.",
    "",
    "Examples:",
    "  aloelite -f my.aloe                      create a file",
    "  aloelite -f my.aloe put -r photos /      copy a tree into it",
    "  aloelite -f my.aloe ls -l /photos        list it",
    "  aloelite -f my.aloe get -r /photos copy  copy it back out",
    "",
    "`aloelite help COMMAND` shows the help of a command.",
  ].join("\n");
}

function commandHelp(command: Command): string {
  const file = command.fileless ? "" : " -f my.aloe";
  const lines = [
    `${command.summary[0].toUpperCase()}${command.summary.slice(1)}.`,
    "",
    `Usage: aloelite ${command.fileless ? "" : "[-f FILE] "}${command.name}` +
    (command.operands === "" ? "" : ` ${command.operands}`) + " [OPTIONS]",
  ];
  if (command.notes !== undefined) lines.push("", ...command.notes);
  if (command.options !== undefined) {
    lines.push("", "Options:", ...optionLines(command.options));
  }
  lines.push("", "Options of every command:", ...optionLines(GLOBAL_OPTIONS));
  lines.push("", "Examples:");
  for (const [line, meaning] of command.examples) {
    lines.push(`  aloelite${file} ${line}`, `      ${meaning}`);
  }
  return lines.join("\n");
}

/**
 * Prints the help of a command, of a family of commands, or of the program.
 *
 * @param name The command's words; empty for the program.
 * @throws {UsageError} When there is no such command.
 */
export async function showHelp(ctx: Context, name: string): Promise<void> {
  if (name === "") {
    await ctx.out.line(usage());
    return;
  }
  const command = COMMANDS.find((c) => c.name === name);
  if (command !== undefined) {
    await ctx.out.line(commandHelp(command));
    return;
  }
  const family = COMMANDS.filter((c) => c.name.startsWith(`${name} `));
  if (family.length === 0) throw new UsageError(`unknown command ${name}`);
  await ctx.out.line(
    [
      `Usage: aloelite [-f FILE] ${name} COMMAND [OPERANDS] [OPTIONS]`,
      "",
      "Commands:",
      ...commandLines(family),
      "",
      "Examples:",
      ...family.flatMap((c) => c.examples.map(([line]) => `  aloelite -f my.aloe ${line}`)),
    ].join("\n"),
  );
}

/** `help`: shows help. */
export async function help(ctx: Context): Promise<void> {
  await showHelp(ctx, ctx.operands.join(" "));
}

/** `--version`: prints the version. */
export async function showVersion(ctx: Context): Promise<void> {
  if (ctx.json) await ctx.out.json({ version: manifest.version });
  else await ctx.out.line(`aloelite ${manifest.version}`);
}
