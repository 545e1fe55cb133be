import { type Flags, UsageError } from "./args.ts";
import { parseSize } from "./size.ts";
import { parseMoment } from "./time.ts";

/** A requested mount, from the command's options and the words of `-o`. */
export interface MountRequest {
  /** The volume's name or id; undefined for the only one. */
  volume?: string;
  /** A file with the PIN, given as a word of `-o`. */
  pinFile?: string;
  /** Whether to create a missing file and volume. */
  create: boolean;
  /** Whether every change is refused. */
  readOnly: boolean;
  /** The moment to show, in nanoseconds since the Unix epoch; null for the present. */
  at: bigint | null;
  /** How many versions of overwritten or removed content to keep. */
  history: "none" | "all" | number;
  /** The chunk size of a new volume, in bytes; defaults to that of mounts. */
  chunkSize?: number;
  /** The size of the read cache, in bytes; defaults to the mount's own value. */
  cacheBytes?: number;
  /** The maximum size of unwritten changes, in bytes; defaults to the mount's own value. */
  dirtyBytes?: number;
  /** Whether other users may access the mount. */
  allowOther: boolean;
  /** Whether the mount may hide entries of the directory. */
  nonEmpty: boolean;
  /** Whether the directory is removed when the mount of an encrypted volume has ended. */
  removeMountpoint: boolean;
  /** The owner of nodes without one. */
  uid?: number;
  /** The group of nodes without one. */
  gid?: number;
  /** The path of the log; undefined for standard error. */
  log?: string;
  /** The options to change in an existing mount; undefined for a new mount. */
  remount?: string[];
  /** Options for the kernel and libfuse. */
  options: string[];
}

/**
 * Options that only mount(8) or systemd use, and access-time options: a volume does not update
 * access times on reads.
 */
const IGNORED = new Set([
  ...["defaults", "auto", "noauto", "user", "nouser", "users", "nousers", "owner", "noowner"],
  ...["group", "nogroup", "nofail", "_netdev", "_rnetdev", "daemon", "default_permissions"],
  ...["loud", "silent", "remount", "mand", "nomand", "iversion", "noiversion", "symfollow"],
  ...["atime", "relatime", "norelatime", "strictatime", "nostrictatime", "diratime"],
  ...["lazytime", "nolazytime"],
]);

/** Ignored options with a value. */
const IGNORED_VALUES = new Set(["comment", "user", "uhelper", "helper"]);

/** Options that the kernel lists for a mount and mount(8) repeats in a remount. */
const REPEATED = new Set(["user_id", "group_id", "max_read", "blksize", "fsname", "subtype"]);

/** Options passed to libfuse and the kernel. */
const PASSED = new Set([
  ...["suid", "nosuid", "dev", "nodev", "exec", "noexec", "async", "sync", "dirsync"],
  ...["noatime", "nodiratime", "nosymfollow"],
]);

/** Passed options with a value. */
const PASSED_VALUES = new Set([
  ...["context", "fscontext", "defcontext", "rootcontext"],
]);

/** Splits `a,b="c,d",e\,f` at commas that are neither quoted nor escaped. */
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

/** Parses `all`, `none` or a number of versions. */
function parseHistory(text: string): "none" | "all" | number {
  if (text === "none" || text === "all") return text;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(
    `--history must be all, none or a number of versions of at least 1, not ${text}`,
  );
}

/** Parses the number of a user or group. */
function parseId(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  throw new UsageError(`${name} must be a number, not ${text}`);
}

/** Setters of options with a value. */
const SETTERS: Readonly<Record<string, (request: MountRequest, value: string) => void>> = {
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

/** Setters of options without a value. */
const SWITCHES: Readonly<Record<string, (request: MountRequest) => void>> = {
  create: (w) => w.create = true,
  "read-only": (w) => w.readOnly = true,
  ro: (w) => w.readOnly = true,
  rw: (w) => w.readOnly = false,
  "allow-other": (w) => w.allowOther = true,
  nonempty: (w) => w.nonEmpty = true,
  "x-aloelite.rmdir": (w) => w.removeMountpoint = true,
};

function takeWord(request: MountRequest, word: string): void {
  const at = word.indexOf("=");
  const key = at < 0 ? word : word.slice(0, at);
  // mount(8) writes its words with underscores, this program with dashes; both are accepted.
  const name = key.replaceAll("_", "-");
  if (at >= 0) {
    const value = word.slice(at + 1);
    if (/^(x-|X-)/.test(key) || IGNORED_VALUES.has(key)) return;
    if (Object.hasOwn(SETTERS, name)) {
      if (value === "") throw new UsageError(`the mount option ${key} needs a value`);
      return SETTERS[name](request, value);
    }
    if (PASSED_VALUES.has(key)) return void request.options.push(word);
  } else {
    if (Object.hasOwn(SWITCHES, name)) return SWITCHES[name](request);
    if (IGNORED.has(key) || /^(x-|X-)/.test(key)) return;
    if (PASSED.has(key)) return void request.options.push(word);
    if (Object.hasOwn(SETTERS, name) || PASSED_VALUES.has(key)) {
      throw new UsageError(`the mount option ${key} needs a value`);
    }
  }
  throw new UsageError(`unknown mount option ${word}`);
}

/**
 * Parses a mount request from the command line. A command's option takes precedence over the same
 * word in `-o`.
 *
 * @throws {UsageError} For an unknown word or an invalid value.
 */
export function parseMountRequest(flags: Flags): MountRequest {
  const request: MountRequest = {
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
    request.remount = [...words, ...(flags.has("read-only") ? ["ro"] : [])];
  }
  for (const word of words) {
    if (request.remount !== undefined && REPEATED.has(word.split("=")[0])) continue;
    takeWord(request, word);
  }
  for (const [name, value] of flags) {
    if (name === "pin-file") continue;
    if (Object.hasOwn(SETTERS, name)) SETTERS[name](request, value);
    else if (Object.hasOwn(SWITCHES, name)) SWITCHES[name](request);
  }
  if (request.at !== null) request.readOnly = true;
  if (request.readOnly && request.create) {
    throw new UsageError("--create cannot be combined with --read-only or --at");
  }
  if (request.chunkSize !== undefined && !request.create) {
    throw new UsageError("--chunk-size applies to a new volume: add --create");
  }
  for (const name of ["encrypt", "enc-mode"]) {
    if (flags.has(name) && !request.create) {
      throw new UsageError(`--${name} applies to a new volume: add --create`);
    }
  }
  return request;
}
