/** Completions for bash, zsh and fish, written from the command table. Pure. */
import type { TableCommand, TableOption } from "./command_table.ts";

/** The shells that there are completions for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
/** One of them. */
export type Shell = typeof SHELLS[number];

const NAME = "actp-worker";

/** The script for this shell. `table`: the program itself first. */
export function completionScript(shell: Shell, table: readonly TableCommand[]): string {
  return { bash, zsh, fish }[shell](table);
}

/** Options of a command with those of the program, which every command takes. */
function optionsOf(command: TableCommand, [program]: readonly TableCommand[]): TableOption[] {
  const own = command === program ? [] : command.options;
  const known = new Set(own.map(({ long }) => long));
  return [...own, ...program!.options.filter(({ long }) => !known.has(long) && long !== "--version")];
}

/** A text as one word in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const nameOf = ({ path }: TableCommand) => path.join(" ");

/** Walks over the words before the cursor; shared by bash and zsh, whose words are counted from 1. */
function walk(words: string, last: string, table: readonly TableCommand[]): string {
  const paths = table.filter(({ path }) => path.length > 0).map((command) => quoted(nameOf(command))).join(
    "|",
  );
  const valued = [
    ...new Set(
      table.flatMap(({ options }) => options).filter(({ takesValue }) => takesValue)
        .flatMap(({ long, short }) => short ? [long, short] : [long]),
    ),
  ].join("|");
  return `  local command='' word i previous=''
  for ((i = 1; i < ${last}; i++)); do
    word=\${${words}[i]}
    case "$previous" in ${valued}) previous=''; continue ;; esac
    previous=$word
    case "\${command:+$command }$word" in
      ${paths}) command="\${command:+$command }$word" ;;
    esac
  done
  case "$previous" in ${valued}) valued=1 ;; *) valued='' ;; esac`;
}

function bash(table: readonly TableCommand[]): string {
  const cases = table.map((command) => {
    const options = optionsOf(command, table).flatMap(({ long, short }) => short ? [long, short] : [long]);
    return `    ${quoted(nameOf(command))}) words=${quoted(command.commands.join(" "))} options=${
      quoted(options.join(" "))
    } ;;`;
  });
  return `# bash completion for ${NAME}: source <(${NAME} completions bash)
_actp_worker() {
  local current=\${COMP_WORDS[COMP_CWORD]} words='' options='' valued=''
${walk("COMP_WORDS", "COMP_CWORD", table)}
  COMPREPLY=()
  [ -z "$valued" ] || return 0
  case "$command" in
${cases.join("\n")}
  esac
  case "$current" in -*) words=$options ;; esac
  # mapfile is not in a Mac's bash, and no word holds a blank
  # shellcheck disable=SC2207
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _actp_worker ${NAME}
`;
}

function zsh(table: readonly TableCommand[]): string {
  const described = (word: string, text: string) => quoted(`${word.replaceAll(":", "\\:")}:${text}`);
  const descriptions = new Map(table.map((command) => [nameOf(command), command.description]));
  const cases = table.map((command) => {
    const words = command.commands.map((word) =>
      described(word, descriptions.get([...command.path, word].join(" ")) ?? "")
    );
    const options = optionsOf(command, table).map(({ long, description }) => described(long, description));
    return `    ${quoted(nameOf(command))})
      commands=(${words.join(" ")})
      options=(${options.join(" ")}) ;;`;
  });
  return `#compdef ${NAME}
# zsh completion: ${NAME} completions zsh > "\${fpath[1]}/_${NAME}"
_actp_worker() {
  setopt localoptions ksharrays
  local -a commands options
  local valued=''
${walk("words", "CURRENT - 1", table)}
  unsetopt ksharrays
  if [[ -n $valued ]]; then _files; return; fi
  case "$command" in
${cases.join("\n")}
  esac
  if [[ $PREFIX == -* ]]; then _describe -o option options
  elif (( $#commands )); then _describe command commands
  else _files; fi
}
if [[ $funcstack[1] == _${NAME} ]]; then _actp_worker "$@"; else compdef _actp_worker ${NAME}; fi
`;
}

function fish(table: readonly TableCommand[]): string {
  const children = new Map(table.map((command) => [nameOf(command), command]));
  const lines = table.flatMap((command) => {
    const depth = command.path.length;
    const seen = command.path.map((word) => `__fish_seen_subcommand_from ${word}`);
    const exact = depth === 0 ? ["__fish_use_subcommand"] : [
      ...seen,
      ...command.commands.length > 0 ? [`not __fish_seen_subcommand_from ${command.commands.join(" ")}`] : [],
    ];
    const words = command.commands.map((word) => {
      const text = children.get([...command.path, word].join(" "))?.description ?? "";
      return `complete -c ${NAME} -f -n ${quoted(exact.join("; and "))} -a ${word} -d ${quoted(text)}`;
    });
    const condition = depth === 0 ? "" : ` -n ${quoted(seen.join("; and "))}`;
    const options = command.options.map(({ long, short, takesValue, description }) =>
      `complete -c ${NAME}${condition} -l ${long.slice(2)}${short ? ` -s ${short.slice(1)}` : ""}${
        takesValue ? " -r" : ""
      } -d ${quoted(description)}`
    );
    return [...words, ...options];
  });
  return `# fish completion: ${NAME} completions fish > ~/.config/fish/completions/${NAME}.fish
${lines.join("\n")}
`;
}
