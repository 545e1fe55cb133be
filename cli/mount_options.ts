import { type Flags, UsageError } from "./args.ts";
import { parseSize } from "./size.ts";
import { parseMoment } from "./time.ts";

/** What a mount is asked to be, from its options and the words of `-o`. */
export interface MountWishes {
  /** The volume's name or id; undefined for the only one. */
  volume?: string;
  /** A file with the PIN, named among the words of `-o`. */
  pinFile?: string;
  /** Whether what is missing is made, the file and the volume. */
  create: boolean;
  /** Whether every change is refused. */
  readOnly: boolean;
  /** The moment to show, in nanoseconds since the Unix epoch; null for the present. */
  at: bigint | null;
  /** What is kept of content that is overwritten or removed. */
  history: "none" | "all" | number;
  /** Bytes in a chunk of a volume that is made; undefined for the default of mounts. */
  chunkSize?: number;
  /** Bytes of content to keep in memory; undefined for the mount's own choice. */
  cacheBytes?: number;
  /** Bytes of changes to hold before they are written; undefined likewise. */
  dirtyBytes?: number;
  /** Whether other users may enter. */
  allowOther: boolean;
  /** Whether what is in the directory may be hidden. */
  nonEmpty: boolean;
  /** Whether the directory is removed when the mount of an encrypted volume has ended. */
  removeMountpoint: boolean;
  /** Owner of what has none in the volume. */
  uid?: number;
  /** Group of what has none. */
  gid?: number;
  /** Where the lines of the log go; undefined for standard error. */
  log?: string;
  /** What is to be different of what is mounted there already; undefined for a new mount. */
  remount?: string[];
  /** Words for the kernel and libfuse. */
  options: string[];
}

/**
 * Words that are for mount(8), systemd or nobody, and no concern of a mount:
 * times of access are nothing that a volume keeps anew with each read.
 */
const IGNORED = new Set([
  ...["defaults", "auto", "noauto", "user", "nouser", "users", "nousers", "owner", "noowner"],
  ...["group", "nogroup", "nofail", "_netdev", "_rnetdev", "daemon", "default_permissions"],
  ...["loud", "silent", "remount", "mand", "nomand", "iversion", "noiversion", "symfollow"],
  ...["atime", "relatime", "norelatime", "strictatime", "nostrictatime", "diratime"],
  ...["lazytime", "nolazytime"],
]);

/** The same of those with a value. */
const IGNORED_VALUES = new Set(["comment", "user", "uhelper", "helper"]);

/** What the kernel says of a mount, and mount(8) repeats when it remounts. */
const REPEATED = new Set(["user_id", "group_id", "max_read", "blksize", "fsname", "subtype"]);

/** Words that libfuse and the kernel know what to do with. */
const PASSED = new Set([
  ...["suid", "nosuid", "dev", "nodev", "exec", "noexec", "async", "sync", "dirsync"],
  ...["noatime", "nodiratime", "nosymfollow"],
]);

/** The same of those with a value. */
const PASSED_VALUES = new Set([
  ...["context", "fscontext", "defcontext", "rootcontext"],
]);

/** Cuts `a,b="c,d",e\,f` where a comma stands alone. */
function split(text: string): string[] {
  const words: string[] = [];
  let word = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "\\" && i + 1 < text.length) word += text[++i];
    else if (c === '"') quoted = !quoted;
    else if (c === "," && !quoted) {
      words.push(word);
      word = "";
    } else word += c;
  }
  return [...words, word].filter((w) => w !== "");
}

/** Reads `all`, `none` or a number of versions. */
function parseHistory(text: string): "none" | "all" | number {
  if (text === "none" || text === "all") return text;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`--history is all, none or a number of versions from 1 on, not ${text}`);
}

/** Reads a user's or group's number. */
function parseId(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  throw new UsageError(`${name} is a number, not ${text}`);
}

/** What an option or a word with a value sets. */
const SETTERS: Readonly<Record<string, (wishes: MountWishes, value: string) => void>> = {
  volume: (w, v) => w.volume = v,
  "pin-file": (w, v) => w.pinFile = v,
  at: (w, v) => w.at = parseMoment(v),
  history: (w, v) => w.history = parseHistory(v),
  "chunk-size": (w, v) => w.chunkSize = parseSize(v),
  cache: (w, v) => w.cacheBytes = parseSize(v),
  dirty: (w, v) => w.dirtyBytes = parseSize(v),
  uid: (w, v) => w.uid = parseId("uid", v),
  gid: (w, v) => w.gid = parseId("gid", v),
  log: (w, v) => w.log = v,
};

/** What an option or a word without a value sets. */
const SWITCHES: Readonly<Record<string, (wishes: MountWishes) => void>> = {
  create: (w) => w.create = true,
  "read-only": (w) => w.readOnly = true,
  ro: (w) => w.readOnly = true,
  rw: (w) => w.readOnly = false,
  "allow-other": (w) => w.allowOther = true,
  nonempty: (w) => w.nonEmpty = true,
  "x-aloelite.rmdir": (w) => w.removeMountpoint = true,
};

function takeWord(wishes: MountWishes, word: string): void {
  const at = word.indexOf("=");
  const key = at < 0 ? word : word.slice(0, at);
  // mount(8)'s words have underscores, ours have dashes: both are understood.
  const name = key.replaceAll("_", "-");
  if (at >= 0) {
    const value = word.slice(at + 1);
    if (/^(x-|X-)/.test(key) || IGNORED_VALUES.has(key)) return;
    if (Object.hasOwn(SETTERS, name)) {
      if (value === "") throw new UsageError(`the mount option ${key} needs a value`);
      return SETTERS[name](wishes, value);
    }
    if (PASSED_VALUES.has(key)) return void wishes.options.push(word);
  } else {
    if (Object.hasOwn(SWITCHES, name)) return SWITCHES[name](wishes);
    if (IGNORED.has(key) || /^(x-|X-)/.test(key)) return;
    if (PASSED.has(key)) return void wishes.options.push(word);
    if (Object.hasOwn(SETTERS, name) || PASSED_VALUES.has(key)) {
      throw new UsageError(`the mount option ${key} needs a value`);
    }
  }
  throw new UsageError(`unknown mount option ${word}`);
}

/**
 * Reads what the command line asks of a mount. An option of the command wins
 * over the same word in `-o`.
 *
 * @throws {UsageError} For a word or a value that is not understood.
 */
export function mountWishes(flags: Flags): MountWishes {
  const wishes: MountWishes = {
    create: false,
    readOnly: false,
    at: null,
    history: "none",
    allowOther: false,
    nonEmpty: false,
    removeMountpoint: false,
    options: [],
  };
  const words = split(flags.get("options") ?? "");
  if (words.includes("remount")) {
    wishes.remount = [...words, ...(flags.has("read-only") ? ["ro"] : [])];
  }
  for (const word of words) {
    if (wishes.remount !== undefined && REPEATED.has(word.split("=")[0])) continue;
    takeWord(wishes, word);
  }
  for (const [name, value] of flags) {
    if (name === "pin-file") continue;
    if (Object.hasOwn(SETTERS, name)) SETTERS[name](wishes, value);
    else if (Object.hasOwn(SWITCHES, name)) SWITCHES[name](wishes);
  }
  if (wishes.at !== null) wishes.readOnly = true;
  if (wishes.readOnly && wishes.create) {
    throw new UsageError("--create does not go with --read-only or --at");
  }
  if (wishes.chunkSize !== undefined && !wishes.create) {
    throw new UsageError("--chunk-size is for a volume that is made: give --create");
  }
  for (const name of ["encrypt", "enc-mode"]) {
    if (flags.has(name) && !wishes.create) {
      throw new UsageError(`--${name} is for a volume that is made: give --create`);
    }
  }
  return wishes;
}
