import type { Grammar, OptionSpec } from "./args.ts";
import type { Context } from "./context.ts";

/** What a command does; it returns an exit code where 0 and 1 by failures do not do. */
export type Handler = (ctx: Context) => Promise<number | void>;

/** A command: its grammar, its help, and where its code is. */
export interface Command extends Grammar {
  /** One line that says what it does. */
  summary: string;
  /** What else there is to know, a sentence a line. */
  notes?: readonly string[];
  /** Command lines (after `aloelite -f FILE`) and what they do. */
  examples: readonly (readonly [line: string, meaning: string])[];
  /** Whether its operands are local files, for the completions. */
  localFiles?: boolean;
  /** Whether it works on no file, so that its examples name none. */
  fileless?: boolean;
  /** Loads its code: only the command that runs is loaded. */
  load(): Promise<Handler>;
}

const MANY = 100_000;

const RECURSIVE = (help: string): OptionSpec => ({
  long: "recursive",
  short: "r",
  help,
});

/** The three ways to give a PIN without a prompt, for another volume than FILE's. */
function pinOptions(prefix: string, whose: string): OptionSpec[] {
  return [
    {
      long: `${prefix}-file`,
      value: "PATH",
      help: `read ${whose} PIN from a file`,
    },
    {
      long: `${prefix}-env`,
      value: "NAME",
      help: `read ${whose} PIN from an environment variable`,
    },
    {
      long: `${prefix}-fd`,
      value: "N",
      help: `read ${whose} PIN from a file descriptor`,
    },
  ];
}

const ENC_MODE: OptionSpec = {
  long: "enc-mode",
  value: "MODE",
  help: "convergent (equal chunks are stored once; the default) or random",
};

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  {
    name: "ls",
    summary: "list directories",
    operands: "[PATH...]",
    min: 0,
    max: MANY,
    options: [
      {
        long: "long",
        short: "l",
        help: "type, permissions, size, time and link target",
      },
      {
        long: "all",
        short: "a",
        help: "also entries that a newer one of the same name hides",
      },
    ],
    examples: [
      ["ls", "the names at the top"],
      ["ls -l /docs", "with sizes and times"],
      ["ls --json /docs", "for a program"],
    ],
    load: async () => (await import("./commands/ls.ts")).ls,
  },
  {
    name: "tree",
    summary: "print a directory and all below it",
    operands: "[PATH]",
    min: 0,
    max: 1,
    options: [{
      long: "depth",
      value: "N",
      help: "go no deeper than N levels",
    }],
    examples: [
      ["tree", "everything"],
      ["tree --depth 2 /docs", "two levels of /docs"],
    ],
    load: async () => (await import("./commands/tree.ts")).tree,
  },
  {
    name: "stat",
    summary: "show everything known about one path",
    operands: "PATH",
    min: 1,
    max: 1,
    examples: [
      [
        "stat /docs/a.txt",
        "its size, times, permissions, version and metadata",
      ],
      ["stat --json /docs/a.txt", "the same for a program"],
    ],
    load: async () => (await import("./commands/stat.ts")).stat,
  },
  {
    name: "cat",
    summary: "print files",
    operands: "PATH...",
    min: 1,
    max: MANY,
    options: [{
      long: "version",
      value: "N",
      help: "an older version (see history)",
    }],
    examples: [
      ["cat /docs/a.txt", "print a file"],
      ["cat --version 3 /docs/a.txt", "as it was in version 3"],
    ],
    load: async () => (await import("./commands/cat.ts")).cat,
  },
  {
    name: "put",
    summary: "copy local files into the volume",
    operands: "SOURCE... [DEST]",
    min: 1,
    max: MANY,
    localFiles: true,
    options: [
      RECURSIVE("directories too, with all below them"),
      { long: "append", help: "add to the end of what is there" },
      {
        long: "parents",
        short: "p",
        help: "make the directories that DEST lacks",
      },
      {
        long: "owner",
        help: "keep owner and group, as numbers",
      },
    ],
    notes: [
      "SOURCE - is standard input. DEST is / when there is one SOURCE only.",
      "A DEST that is a directory, or ends in /, is copied into; another one is",
      "the new name. What is there already is replaced, and its earlier content",
      "stays in the history.",
      "Modification times (to the millisecond), permission bits, symbolic and",
      "hard links and empty directories are kept. Special files (FIFOs, sockets,",
      "devices) are skipped and named on standard error; that is no failure.",
    ],
    examples: [
      ["put notes.txt /docs/", "copy a file into /docs"],
      ["put -r photos /", "copy a tree to /photos"],
      ["put - /log < events", "store standard input"],
      ["put --append - /log", "add standard input to the end"],
    ],
    load: async () => (await import("./commands/put.ts")).put,
  },
  {
    name: "get",
    summary: "copy files out of the volume",
    operands: "PATH... [DEST]",
    min: 1,
    max: MANY,
    localFiles: true,
    options: [
      RECURSIVE("directories too, with all below them"),
      {
        long: "version",
        value: "N",
        help: "an older version of a file (see history)",
      },
      {
        long: "owner",
        help: "give files the owner and group that were kept; for root",
      },
    ],
    notes: [
      "DEST - is standard output. DEST is the current directory when there is",
      "one PATH only. A DEST that is a directory is copied into; another one is",
      "the new name.",
      "Nothing is written outside DEST: names that would lead out of it are",
      "refused, and no symbolic link below it is followed.",
    ],
    examples: [
      ["get /docs/a.txt .", "copy a file here"],
      ["get -r / backup", "copy everything into ./backup"],
      ["get /docs/a.txt - | wc", "to a pipe"],
    ],
    load: async () => (await import("./commands/get.ts")).get,
  },
  {
    name: "mkdir",
    summary: "make directories",
    operands: "PATH...",
    min: 1,
    max: MANY,
    options: [{
      long: "parents",
      short: "p",
      help: "also those above, and no complaint if it is there",
    }],
    examples: [
      ["mkdir /docs", "make one"],
      ["mkdir -p /a/b/c", "make all that lack"],
    ],
    load: async () => (await import("./commands/mkdir.ts")).mkdir,
  },
  {
    name: "rm",
    summary: "remove, into the trash",
    operands: "PATH...",
    min: 1,
    max: MANY,
    options: [RECURSIVE("directories too, with all below them")],
    notes: [
      "What is removed can be brought back with `trash restore` until it is",
      "purged. An empty directory needs no -r. The root cannot be removed.",
    ],
    examples: [
      ["rm /docs/a.txt", "remove a file"],
      ["rm -r /docs", "remove a tree"],
    ],
    load: async () => (await import("./commands/rm.ts")).rm,
  },
  {
    name: "mv",
    summary: "move or rename",
    operands: "PATH... DEST",
    min: 2,
    max: MANY,
    notes: [
      "A DEST that is a directory is moved into. A file that is replaced goes",
      "into the trash.",
    ],
    examples: [
      ["mv /a.txt /b.txt", "rename"],
      ["mv /a.txt /b.txt /docs", "move both into /docs"],
    ],
    load: async () => (await import("./commands/relocate.ts")).mv,
  },
  {
    name: "cp",
    summary: "copy inside the volume, without copying the bytes",
    operands: "PATH... DEST",
    min: 2,
    max: MANY,
    options: [RECURSIVE("accepted; directories are copied without it too")],
    notes: [
      "A DEST that is a directory is copied into. A file that is replaced goes",
      "into the trash. The copy shares the chunks of its source.",
    ],
    examples: [
      ["cp /a.txt /b.txt", "copy a file"],
      ["cp /docs /docs-2", "copy a tree"],
    ],
    load: async () => (await import("./commands/relocate.ts")).cp,
  },
  {
    name: "find",
    summary: "print the paths that match a pattern",
    operands: "GLOB [PATH]",
    min: 1,
    max: 2,
    options: [
      { long: "type", value: "T", help: "f files, d directories, l links" },
      { long: "print0", short: "0", help: "end each path with a NUL" },
    ],
    notes: [
      "* and ? do not match a slash, ** does, [a-z] and {a,b} are choices.",
      "A pattern without a slash is matched with the last name at any depth;",
      "one with a slash with the path from PATH (default: the root) on.",
    ],
    examples: [
      ["find '*.txt'", "every .txt file"],
      ["find '/docs/**/*.md'", "below /docs"],
      ["find '2026-*' /log --type f", "files of /log, at any depth"],
    ],
    load: async () => (await import("./commands/find.ts")).find,
  },
  {
    name: "meta get",
    summary: "show a node's metadata",
    operands: "PATH [KEY]",
    min: 1,
    max: 2,
    examples: [
      ["meta get /a.txt", "all of it, key=value"],
      ["meta get /a.txt author", "one value"],
    ],
    load: async () => (await import("./commands/meta.ts")).get,
  },
  {
    name: "meta set",
    summary: "set metadata, leaving other keys as they are",
    operands: "PATH KEY=VALUE...",
    min: 2,
    max: MANY,
    examples: [["meta set /a.txt author=Ada lang=en", "set two keys"]],
    load: async () => (await import("./commands/meta.ts")).set,
  },
  {
    name: "meta unset",
    summary: "remove keys from the metadata",
    operands: "PATH KEY...",
    min: 2,
    max: MANY,
    examples: [["meta unset /a.txt lang", "forget one key"]],
    load: async () => (await import("./commands/meta.ts")).unset,
  },
  {
    name: "volume create",
    summary: "make a volume",
    operands: "NAME",
    min: 1,
    max: 1,
    options: [
      {
        long: "chunk-size",
        value: "SIZE",
        help: "bytes in a chunk, for instance 64KiB (default 1MiB)",
      },
      {
        long: "encrypt",
        help: "encrypt it; asks for a PIN unless a --pin option gives one",
      },
      ENC_MODE,
    ],
    notes: ["A --pin option or --enc-mode means --encrypt."],
    examples: [
      ["volume create photos --chunk-size 4MiB", "for large files"],
      ["volume create secret --encrypt", "asks for a PIN, twice"],
    ],
    load: async () => (await import("./commands/volume.ts")).create,
  },
  {
    name: "volume ls",
    summary: "list the volumes",
    operands: "",
    min: 0,
    max: 0,
    examples: [["volume ls", "names, chunk sizes, encryption"]],
    load: async () => (await import("./commands/volume.ts")).list,
  },
  {
    name: "volume rename",
    summary: "give a volume another name",
    operands: "VOLUME NAME",
    min: 2,
    max: 2,
    examples: [["volume rename main home", "main is home from now on"]],
    load: async () => (await import("./commands/volume.ts")).rename,
  },
  {
    name: "volume rm",
    summary: "delete a volume and all that is in it, for good",
    operands: "VOLUME",
    min: 1,
    max: 1,
    options: [{
      long: "yes",
      short: "y",
      help: "do not ask, where a terminal could answer",
    }],
    examples: [["volume rm old", "there is no way back"]],
    load: async () => (await import("./commands/volume.ts")).remove,
  },
  {
    name: "mount",
    summary: "make a volume a directory that every program can use",
    operands: "DIR",
    min: 1,
    max: 1,
    localFiles: true,
    options: [
      { long: "daemon", help: "go to the background as soon as the directory can be used" },
      { long: "create", help: "make the file and the volume if they are missing" },
      { long: "read-only", help: "refuse every change" },
      {
        long: "at",
        value: "TIME",
        help: "read-only, as it was then: an age (2h) or a date",
      },
      {
        long: "history",
        value: "N",
        help: "versions kept of what is overwritten: none (the default), a number, all",
      },
      {
        long: "chunk-size",
        value: "SIZE",
        help: "with --create: bytes in a chunk (default 64KiB)",
      },
      { long: "encrypt", help: "with --create: encrypt the volume; asks for a PIN" },
      ENC_MODE,
      { long: "cache", value: "SIZE", help: "memory for content that was read (default 64MiB)" },
      {
        long: "dirty",
        value: "SIZE",
        help: "memory for changes that are not written yet (default 32MiB)",
      },
      { long: "allow-other", help: "let other users in; permission bits decide" },
      {
        long: "options",
        short: "o",
        value: "OPTIONS",
        list: true,
        help: "words as mount(8) takes them, with commas between",
      },
      { long: "log", value: "PATH", help: "write what goes wrong to a file" },
    ],
    notes: [
      "It stays in the foreground until DIR is unmounted, with `aloelite unmount`,",
      "`fusermount3 -u`, Ctrl-C or SIGTERM; then everything is in FILE. What is in",
      "use is unmounted when it is not any more, or at a second signal: then those",
      "who use it go on until they have done. The exit code is 0 then.",
      "",
      "Changes are in FILE within seconds, those of a program that calls fsync at",
      "once. What is overwritten or removed is gone, unless --history keeps it: N or",
      "all make versions of files (see `history`) and move what is removed into the",
      "trash. A file's own `retention` wins.",
      "",
      "--at shows what FILE still has of that time: versions that were kept, and",
      "what is in the trash. What was purged or pruned, or overwritten or removed on",
      "a mount with history none, is not there. Times are ages (90s, 30m, 2h, 3d) or",
      "dates (2026-01-31, 2026-01-31T18:00).",
      "",
      "With -o: ro, volume=V, pin-file=PATH, create, history=N, at=TIME, cache=SIZE,",
      "dirty=SIZE, log=PATH, allow_other, uid=N and gid=N (owner of what has none),",
      "noexec, noatime, sync, suid, dev and others of mount(8). For a line in",
      "/etc/fstab see the README. --allow-other takes root, or user_allow_other in",
      "/etc/fuse.conf.",
      "It needs Linux with libfuse3 (the package fuse3) and /dev/fuse.",
    ],
    examples: [
      ["mount /mnt/notes", "until Ctrl-C"],
      ["mount --create --daemon ~/notes", "a new file, in the background"],
      ["mount --history 10 ~/notes", "ten versions of each file are kept"],
      ["mount --at 2d /mnt/before", "as it was two days ago"],
    ],
    load: async () => (await import("./commands/mount.ts")).mount,
  },
  {
    name: "unmount",
    fileless: true,
    summary: "end the mount at a directory",
    operands: "DIR",
    min: 1,
    max: 1,
    localFiles: true,
    options: [{
      long: "lazy",
      help: "although it is in use: those who use it go on until they have done",
    }],
    notes: [
      "Everything is in the file when it returns. What a killed mount has left",
      "behind is taken away too.",
    ],
    examples: [["unmount /mnt/notes", "as `fusermount3 -u /mnt/notes`"]],
    load: async () => (await import("./commands/unmount.ts")).unmount,
  },
  {
    name: "mounts",
    summary: "list who has a volume mounted, or end such a mount",
    operands: "",
    min: 0,
    max: 0,
    options: [
      {
        long: "all",
        short: "a",
        help: "also those that have ended or expired",
      },
      { long: "end", value: "ID", help: "end the mount with this id" },
    ],
    examples: [
      ["mounts", "the valid ones"],
      ["mounts --end 0199…", "end one that a crash left behind"],
    ],
    load: async () => (await import("./commands/mounts.ts")).mounts,
  },
  {
    name: "history",
    summary: "list the versions of a file, newest first",
    operands: "PATH",
    min: 1,
    max: 1,
    examples: [["history /a.txt", "numbers, times, sizes"]],
    load: async () => (await import("./commands/history.ts")).history,
  },
  {
    name: "restore",
    summary: "make an older version of a file its newest one",
    operands: "PATH",
    min: 1,
    max: 1,
    options: [{
      long: "version",
      value: "N",
      help: "which one (see history); must be given",
    }],
    notes: ["Nothing is lost: what was newest stays in the history."],
    examples: [["restore /a.txt --version 3", "back to version 3"]],
    load: async () => (await import("./commands/history.ts")).restore,
  },
  {
    name: "retention",
    summary: "show or set how many versions of a file are kept",
    operands: "PATH [N|all]",
    min: 1,
    max: 2,
    notes: ["Older versions go when `prune` is run."],
    examples: [
      ["retention /a.txt", "how many?"],
      ["retention /a.txt 5", "keep the newest five"],
      ["retention /a.txt all", "keep every version"],
    ],
    load: async () => (await import("./commands/history.ts")).retention,
  },
  {
    name: "trash ls",
    summary: "list what was removed and can be brought back, newest first",
    operands: "",
    min: 0,
    max: 0,
    examples: [["trash ls", "ids, times, sizes, paths"]],
    load: async () => (await import("./commands/trash.ts")).list,
  },
  {
    name: "trash restore",
    summary: "bring something back",
    operands: "ID|PATH",
    min: 1,
    max: 1,
    options: [{
      long: "to",
      value: "PATH",
      help: "not to where it was, but to here",
    }],
    notes: ["A path means the newest thing that was removed there."],
    examples: [
      ["trash restore /docs/a.txt", "to where it was"],
      ["trash restore /docs/a.txt --to /a.txt", "to another place"],
    ],
    load: async () => (await import("./commands/trash.ts")).restore,
  },
  {
    name: "trash purge",
    summary: "delete removed things for good",
    operands: "[ID|PATH]",
    min: 0,
    max: 1,
    options: [
      {
        long: "older-than",
        value: "AGE",
        help: "what was removed longer ago: 30d, 12h, or before a date",
      },
      { long: "all", help: "everything in the trash" },
    ],
    notes: ["The file itself shrinks with `prune --vacuum`."],
    examples: [
      ["trash purge --older-than 30d", "what is older than 30 days"],
      ["trash purge --all", "empty the trash"],
    ],
    load: async () => (await import("./commands/trash.ts")).purge,
  },
  {
    name: "pack",
    summary: "turn a directory into one packed file in its place",
    operands: "PATH",
    min: 1,
    max: 1,
    examples: [["pack /project", "it goes by the same name; see unpack"]],
    load: async () => (await import("./commands/pack.ts")).pack,
  },
  {
    name: "unpack",
    summary: "turn a packed file back into its directory",
    operands: "PATH",
    min: 1,
    max: 1,
    examples: [["unpack /project", "the reverse of pack"]],
    load: async () => (await import("./commands/pack.ts")).unpack,
  },
  {
    name: "snapshot",
    summary: "copy the volume as it is now into a new volume of the same file",
    operands: "NAME",
    min: 1,
    max: 1,
    options: pinOptions("dest-pin", "the snapshot's"),
    notes: [
      "The snapshot shares its chunks with the volume. A snapshot of an",
      "encrypted volume has the volume's PIN unless another one is given.",
    ],
    examples: [["snapshot before-cleaning", "a volume to fall back to"]],
    load: async () => (await import("./commands/transfer.ts")).snapshot,
  },
  {
    name: "export",
    summary: "copy the volume into another file, as a new volume",
    operands: "DEST",
    min: 1,
    max: 1,
    localFiles: true,
    options: [
      { long: "rename", value: "NAME", help: "the new volume's name" },
      { long: "encrypt", help: "encrypt the new volume; asks for a PIN" },
      { long: "plain", help: "do not encrypt the new volume" },
      ENC_MODE,
      ...pinOptions("dest-pin", "the new volume's"),
    ],
    notes: [
      "DEST is created if it is missing. The new volume is encrypted as the old",
      "one is, with the same PIN, unless an option says otherwise.",
      "Versions and trash stay behind: what is visible now is copied.",
    ],
    examples: [
      ["export -v photos archive.aloe", "into another file"],
      [
        "export secret.aloe --dest-pin-file pin.txt",
        "encrypted with a new PIN",
      ],
    ],
    load: async () => (await import("./commands/transfer.ts")).exportVolume,
  },
  {
    name: "import",
    summary: "copy a volume of another file into this one",
    operands: "SOURCE",
    min: 1,
    max: 1,
    localFiles: true,
    options: [
      {
        long: "from",
        value: "VOLUME",
        help: "which volume of SOURCE; not needed when there is one",
      },
      { long: "rename", value: "NAME", help: "the new volume's name" },
      { long: "encrypt", help: "encrypt the new volume; asks for a PIN" },
      { long: "plain", help: "do not encrypt the new volume" },
      ENC_MODE,
      ...pinOptions("source-pin", "SOURCE's"),
    ],
    notes: [
      "The --pin options are about the new volume, --source-pin about SOURCE.",
      "The new volume is encrypted as the old one is, with the same PIN, unless",
      "an option says otherwise.",
    ],
    examples: [
      ["import archive.aloe --from photos", "bring photos here"],
      ["import old.aloe --rename old-main", "under another name"],
    ],
    load: async () => (await import("./commands/transfer.ts")).importVolume,
  },
  {
    name: "backup",
    summary: "copy the whole file while others use it",
    operands: "DEST",
    min: 1,
    max: 1,
    localFiles: true,
    options: [{ long: "force", help: "replace DEST if it is there" }],
    examples: [["backup /mnt/usb/home.aloe", "a true copy of one moment"]],
    load: async () => (await import("./commands/transfer.ts")).backup,
  },
  {
    name: "verify",
    summary: "check that every file's content is complete",
    operands: "",
    min: 0,
    max: 0,
    options: [{
      long: "deep",
      help: "also read every chunk and check its bytes",
    }],
    notes: ["Exit code 1 when something is damaged."],
    examples: [
      ["verify", "what refers to what"],
      ["verify --deep", "and every byte"],
    ],
    load: async () => (await import("./commands/care.ts")).verify,
  },
  {
    name: "health",
    summary: "check the structure of the whole file",
    operands: "",
    min: 0,
    max: 0,
    notes: ["Exit code 1 when something is wrong."],
    examples: [["health", "`healthy`, or what is wrong with which row"]],
    load: async () => (await import("./commands/care.ts")).health,
  },
  {
    name: "prune",
    summary: "free what nothing needs any more",
    operands: "",
    min: 0,
    max: 0,
    options: [{
      long: "vacuum",
      help: "then make the file smaller (needs as much free space again)",
    }],
    notes: [
      "Goes: versions beyond each file's retention, aborted writes, ended mounts.",
      "Stays: everything that can be seen, and the trash (see `trash purge`).",
      "With -v, versions of that volume only.",
    ],
    examples: [["prune --vacuum", "clean up and shrink the file"]],
    load: async () => (await import("./commands/care.ts")).prune,
  },
  {
    name: "pin check",
    summary: "tell whether a PIN opens the volume",
    operands: "",
    min: 0,
    max: 0,
    notes: ["Exit code 1 when it does not."],
    examples: [["pin check --pin-file pin.txt", "right or wrong?"]],
    load: async () => (await import("./commands/pin.ts")).check,
  },
  {
    name: "pin change",
    summary: "give the volume another PIN",
    operands: "",
    min: 0,
    max: 0,
    options: pinOptions("new-pin", "the new"),
    examples: [
      ["pin change", "asks for the old one and, twice, the new one"],
      ["pin change --pin-file old --new-pin-file new", "without questions"],
    ],
    load: async () => (await import("./commands/pin.ts")).change,
  },
  {
    name: "info",
    summary: "show facts about the file",
    operands: "",
    min: 0,
    max: 0,
    examples: [["info", "sizes, volumes, chunks"]],
    load: async () => (await import("./commands/info.ts")).info,
  },
  {
    name: "completions",
    fileless: true,
    summary: "print a completion script for a shell",
    operands: "bash|zsh|fish",
    min: 1,
    max: 1,
    examples: [
      [
        "completions bash > ~/.local/share/bash-completion/completions/aloelite",
        "for bash",
      ],
      [
        "completions fish > ~/.config/fish/completions/aloelite.fish",
        "for fish",
      ],
    ],
    load: async () => (await import("./commands/completions.ts")).completions,
  },
  {
    name: "help",
    fileless: true,
    summary: "show help, of a command if one is named",
    operands: "[COMMAND]",
    min: 0,
    max: 2,
    examples: [["help put", "the same as put --help"]],
    load: async () => (await import("./commands/help.ts")).help,
  },
];
