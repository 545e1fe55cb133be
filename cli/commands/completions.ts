import { GLOBAL_OPTIONS, type OptionSpec, UsageError } from "../args.ts";
import { type Command, COMMANDS } from "../commands.ts";
import type { Context } from "../context.ts";
import { absolute } from "../paths.ts";
import { shownName } from "../../src/names.ts";

/** Returns the first words of the commands, each with its possible second words. */
function families(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { name } of COMMANDS) {
    const [first, second] = name.split(" ");
    const rest = found.get(first) ?? [];
    if (second !== undefined) rest.push(second);
    found.set(first, rest);
  }
  return found;
}

function flagsOf(options: readonly OptionSpec[]): string[] {
  return options.flatMap((o) => [
    ...(o.short === undefined ? [] : [`-${o.short}`]),
    `--${o.long}`,
  ]);
}

/** Returns the options with a value; the word after such an option is not a command. */
function valued(): OptionSpec[] {
  const all = [...GLOBAL_OPTIONS, ...COMMANDS.flatMap((c) => c.options ?? [])];
  return all.filter((o) => o.value !== undefined);
}

/** Returns whether an option's value is a local path. */
function takesPath(option: OptionSpec): boolean {
  return /FILE|PATH|DIR/.test(option.value ?? "");
}

/** Returns the literal words that a command takes as operands. */
function choices(command: Command): string[] {
  return /^[a-z|]+$/.test(command.operands) ? command.operands.split("|") : [];
}

/** Returns what is offered for the operands of a command. */
function completes(command: Command): "local" | "volume" | "either" | "none" {
  if (command.completes !== undefined) return command.completes;
  return /\bPATH\b/.test(command.operands) ? "volume" : "none";
}

/** Returns the names of the commands whose operands are of one of the given kinds. */
function commandsOf(...kinds: readonly ReturnType<typeof completes>[]): string[] {
  return COMMANDS.filter((c) => kinds.includes(completes(c))).map((c) => c.name);
}

function bash(): string {
  const globals = flagsOf(GLOBAL_OPTIONS).join(" ");
  const cases = COMMANDS.map((c) =>
    `    ${JSON.stringify(c.name)}) words="${
      [...flagsOf(c.options ?? []), ...choices(c)].join(" ")
    }" ;;`
  );
  const groups = [...families()].filter(([, rest]) => rest.length > 0).map((
    [first, rest],
  ) => `    ${first}) words="${rest.join(" ")}" ;;`);
  const either = (...kinds: readonly ReturnType<typeof completes>[]): string =>
    commandsOf(...kinds).map((name) => JSON.stringify(name)).join("|");
  const lines = (command: string): string =>
    `while IFS= read -r line; do COMPREPLY+=("$line"); done < <(${command})`;
  return `# bash completion for aloelite
# A word as the shell would pass it on, which has it as it is typed.
_aloelite_plain() {
  plain="$1"
  case "$plain" in
    \\"*) plain="\${plain:1}"; plain="\${plain%\\"}" ;;
    \\'*) plain="\${plain:1}"; plain="\${plain%\\'}" ;;
    *\\\\*) IFS= read plain <<< "$plain" ;;
  esac
  [[ "$1" == "~/"* ]] && plain="$HOME\${plain:1}"
}
_aloelite() {
  local cur prev word command="" family="" words="" skip="" i line plain
  local -a of=()
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  # Bash splits words at an equals sign.
  if [[ "$cur" == "=" ]]; then cur=""
  elif [[ "$prev" == "=" && "$COMP_CWORD" -gt 2 ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  case "$prev" in
    ${flagsOf(valued().filter(takesPath)).filter(unique).join("|")})
      ${lines('compgen -f -- "$cur"')}
      return ;;
    ${flagsOf(valued().filter((o) => !takesPath(o))).filter(unique).join("|")}) return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ -n "$skip" ]]; then
      [[ "$word" == "=" ]] && continue
      if [[ "$skip" == of ]]; then
        _aloelite_plain "$word"
        of+=("$plain")
      fi
      skip=""
      continue
    fi
    case "$word" in
      -f|--file|-v|--volume) of+=("$word"); skip=of; continue ;;
      ${flagsOf(valued()).filter(unique).join("|")}) skip=1; continue ;;
      -*) continue ;;
    esac
    if [[ -z "$command" && -z "$family" ]]; then
      case "$word" in
        ${
    [...families()].filter(([, r]) => r.length > 0).map(([f]) => f).join("|")
  }) family="$word" ;;
        *) command="$word" ;;
      esac
    elif [[ -z "$command" ]]; then command="$family $word"
    fi
  done
  if [[ -z "$command" && -z "$family" ]]; then
    words="${[...families().keys()].join(" ")} --version"
  elif [[ -z "$command" ]]; then
    case "$family" in
${groups.join("\n")}
    esac
  else
    case "$command" in
${cases.join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words ${globals}" -- "$cur"))
  [[ "$cur" == -* ]] && return
  case "$command" in
    ${either("local", "either")})
      ${lines('compgen -f -- "$cur"')} ;;
  esac
  case "$command" in
    ${either("volume", "either")})
      _aloelite_plain "$cur"
      ${
    lines(
      '"${COMP_WORDS[0]}" "${of[@]}" completions paths -- "$plain" 2>/dev/null </dev/null',
    )
  }
      [[ "\${#COMPREPLY[@]}" == 1 && "$COMPREPLY" == */ ]] && compopt -o nospace 2>/dev/null ;;
  esac
  return 0
}
complete -o filenames -F _aloelite aloelite`;
}

function unique<T>(value: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(value) === index;
}

/** Escapes text for single quotes of zsh's _arguments and _describe. */
function zshText(text: string): string {
  return text.replaceAll("'", "’").replaceAll("[", "(").replaceAll("]", ")")
    .replaceAll(":", "\\:");
}

function zshOption(option: OptionSpec): string[] {
  const value = option.value === undefined
    ? ""
    : `:${option.value}:${takesPath(option) ? "_files" : "( )"}`;
  const help = zshText(option.help);
  const long = `'--${option.long}${value === "" ? "" : "="}[${help}]${value}'`;
  return option.short === undefined
    ? [long]
    : [`'-${option.short}${value === "" ? "" : "+"}[${help}]${value}'`, long];
}

/** The zsh functions that offer operands. */
const ZSH_OPERANDS = {
  local: "_files",
  volume: "_aloelite_paths",
  either: "_aloelite_either",
  none: "( )",
} as const;

function zsh(): string {
  const globals = GLOBAL_OPTIONS.flatMap(zshOption).map((o) => `    ${o}`)
    .join("\n");
  const listing = (names: readonly (readonly [string, string])[]): string =>
    names.map(([name, text]) => `'${name}:${zshText(text)}'`).join(" ");
  const firsts = [...families()].map(([first, rest]): [string, string] => [
    first,
    rest.length > 0 ? rest.join(", ") : COMMANDS.find((c) => c.name === first)!.summary,
  ]);
  const groups = [...families()].filter(([, rest]) => rest.length > 0).map((
    [first, rest],
  ) =>
    `      ${first}) entries=(${
      listing(
        rest.map((
          r,
        ) => [r, COMMANDS.find((c) => c.name === `${first} ${r}`)!.summary]),
      )
    }) ;;`
  );
  const cases = COMMANDS.map((c) => {
    const options = (c.options ?? []).flatMap(zshOption).join(" ");
    const words = choices(c);
    const operands = words.length > 0
      ? `'*:word:(${words.join(" ")})'`
      : `'*:path:${ZSH_OPERANDS[completes(c)]}'`;
    return `    ${JSON.stringify(c.name)}) specs=(${options} ${operands}) ;;`;
  });
  return `#compdef aloelite
# zsh completion for aloelite
_aloelite_paths() {
  local -a found
  found=("\${(@f)$("\${words[1]}" $of completions paths -- "$PREFIX" 2>/dev/null </dev/null)}")
  (( \${#found[1]} )) && compadd -S '' -- "\${found[@]}"
}
_aloelite_either() { _aloelite_paths; _files }
_aloelite() {
  local -a globals specs entries plain of
  local command="" family="" word skip=""
  local -i i
  globals=(
${globals}
  )
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    if [[ -n "$skip" ]]; then
      [[ "$skip" == of ]] && of+=("$word")
      skip=""
      continue
    fi
    case "$word" in
      -f|--file|-v|--volume) of+=("$word"); skip=of; continue ;;
      --file=*|--volume=*) of+=("$word"); continue ;;
      ${flagsOf(valued()).filter(unique).join("|")}) skip=1; continue ;;
      -*) continue ;;
    esac
    if [[ -z "$command" && -z "$family" ]]; then
      case "$word" in
        ${
    [...families()].filter(([, r]) => r.length > 0).map(([f]) => f).join("|")
  }) family="$word" ;;
        *) command="$word" ;;
      esac
    elif [[ -z "$command" ]]; then command="$family $word"
    fi
  done
  if [[ -z "$command" && "\${words[CURRENT]}" != -* ]]; then
    case "$family" in
      "") entries=(${listing(firsts)}) ;;
${groups.join("\n")}
    esac
    _describe command entries
    return
  fi
  case "$command" in
${cases.join("\n")}
  esac
  _arguments $globals $specs
}
if [[ "\${funcstack[1]}" = _aloelite ]]; then _aloelite "$@"; else compdef _aloelite aloelite; fi`;
}

/** Escapes text for single quotes of fish. */
function fishText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}

function fishOption(option: OptionSpec, condition: string): string {
  return `complete -c aloelite${condition}` +
    (option.short === undefined ? "" : ` -s ${option.short}`) +
    ` -l ${option.long}` +
    (option.value === undefined ? "" : takesPath(option) ? " -r -F" : " -x") +
    ` -d '${fishText(option.help)}'`;
}

const FISH_PATHS = `# fish completion for aloelite
function __aloelite_paths
    set -l words (commandline -opc)
    set -l of
    for i in (seq 2 (count $words))
        switch $words[$i]
            case -f --file -v --volume
                set -a of $words[$i] $words[(math $i + 1)]
            case '--file=*' '--volume=*'
                set -a of $words[$i]
        end
    end
    $words[1] $of completions paths -- (commandline -ct) 2>/dev/null </dev/null
end`;

function fish(): string {
  const lines = [FISH_PATHS];
  const firsts = [...families()];
  const known = firsts.map(([first]) => first).join(" ");
  for (const option of GLOBAL_OPTIONS) lines.push(fishOption(option, ""));
  const none = ` -n 'not __fish_seen_subcommand_from ${known}'`;
  for (const [first, rest] of firsts) {
    const text = rest.length > 0
      ? rest.join(", ")
      : COMMANDS.find((c) => c.name === first)!.summary;
    lines.push(
      `complete -c aloelite -f${none} -a ${first} -d '${fishText(text)}'`,
    );
    const seen = `__fish_seen_subcommand_from ${first}`;
    for (const second of rest) {
      const command = COMMANDS.find((c) => c.name === `${first} ${second}`)!;
      lines.push(
        `complete -c aloelite -f -n '${seen}; and not ` +
          `__fish_seen_subcommand_from ${rest.join(" ")}' -a ${second} ` +
          `-d '${fishText(command.summary)}'`,
      );
    }
  }
  for (const command of COMMANDS) {
    const condition = ` -n '${
      command.name.split(" ").map((w) => `__fish_seen_subcommand_from ${w}`)
        .join("; and ")
    }'`;
    for (const option of command.options ?? []) {
      lines.push(fishOption(option, condition));
    }
    const words = choices(command);
    if (words.length > 0) {
      lines.push(
        `complete -c aloelite -f${condition} -a '${words.join(" ")}'`,
      );
    }
    const offered = completes(command);
    if (offered === "volume" || offered === "either") {
      const files = offered === "volume" ? " -f" : " -F";
      lines.push(`complete -c aloelite${files}${condition} -a '(__aloelite_paths)'`);
    }
  }
  return lines.join("\n");
}

/** Prints the volume paths that begin with the typed text; a directory's path ends in a slash. */
async function paths(ctx: Context, typed: string): Promise<void> {
  const cut = typed.lastIndexOf("/") + 1;
  const above = typed.slice(0, cut);
  await ctx.withMount("read", async (mount) => {
    const found = (await mount.list(absolute(above)))
      .filter((child) => child.visible)
      .map((child) => ({ name: shownName(child.name), type: child.type }))
      .filter(({ name }) => name.startsWith(typed.slice(cut)) && !name.includes("\n"))
      .map(({ name, type }) => name + (type === "container" ? "/" : ""));
    for (const name of found.sort()) {
      await ctx.out.line((typed === "" ? "/" : above) + name);
    }
  });
}

/** `completions`: prints a completion script for a shell, or the paths that a script requests. */
export async function completions(ctx: Context): Promise<void> {
  const [shell, typed] = ctx.operands;
  if (shell === "paths") return await paths(ctx, typed ?? "");
  const scripts: Readonly<Record<string, () => string>> = { bash, zsh, fish };
  if (!Object.hasOwn(scripts, shell)) {
    throw new UsageError(`no completions for ${shell}: bash, zsh or fish`);
  }
  if (typed !== undefined) throw new UsageError(`one shell at a time; unexpected operand ${typed}`);
  await ctx.out.line(scripts[shell]());
}
