/**
 * The reference as the subject of scenarios, which shows that the project's
 * own scenarios expect what the reference does.
 *
 * @module
 */

import {
  NotSupported,
  type Scenario,
  type Step,
  type Subject,
  type Value,
} from "../conformance/runner.ts";
import { hex, type Op, unhex, utf8 } from "./ops.ts";
import { OracleError, type Reference } from "./reference.ts";

/** Scenario operations that are one operation of the driver's vocabulary. */
const APPLIED: Record<string, Op["op"]> = {
  create_container: "createContainer",
  create_entry: "createEntry",
  create_special: "createSpecial",
  mkdir: "mkdir",
  link: "link",
  write_all: "writeAll",
  append: "append",
  write_range: "writeRange",
  truncate: "truncate",
  put: "put",
  set_metadata: "setMetadata",
  set_mtime: "setMtime",
  set_atime: "setAtime",
  set_mode: "setOwner",
  set_owner: "setOwner",
  set_retention: "setRetention",
  set_xattr: "setXattr",
  remove_xattr: "removeXattr",
  rename: "rename",
  move: "move",
  copy: "copy",
  remove: "remove",
  remove_recursive: "removeRecursive",
  pack: "pack",
  unpack: "unpack",
  prune_content: "pruneContent",
  lock: "lock" as Op["op"],
};

/** Scenario operations that are a function of the driver. */
const ASKED = new Set([
  "stat",
  "stat_by_id",
  "exists",
  "list",
  "path_of",
  "read_all",
  "get_xattr",
  "list_xattrs",
  "open_read",
  "open_write",
  "read",
  "seek",
  "tell",
  "write",
  "close",
  "abort",
  "unlock",
  "unmount",
  "verify",
  "health",
]);

/** A volume of the reference with one or two mounts. */
export class TheirSubject implements Subject {
  readonly #reference: Reference;
  readonly #file: number;
  readonly #mounts: Record<string, number>;

  private constructor(
    reference: Reference,
    file: number,
    mounts: Record<string, number>,
  ) {
    this.#reference = reference;
    this.#file = file;
    this.#mounts = mounts;
  }

  /** Makes a volume for a scenario in a file that the driver has open. */
  static async make(
    reference: Reference,
    file: number,
    scenario: Scenario,
  ): Promise<TheirSubject> {
    const encryption = scenario.setup?.encryption;
    const pin = encryption === undefined ? null : hex(utf8("1234"));
    const volume = await reference.call<string>("create_volume", {
      file,
      name: scenario.scenario,
      chunk_size: scenario.setup?.chunk_size ?? 1 << 20,
      pin,
      enc_mode: encryption ?? "convergent",
    });
    const mount = () => reference.call<number>("mount", { file, volume, pin });
    const mounts: Record<string, number> = { first: await mount() };
    if (scenario.harness === "two_mounts_one_volume") {
      mounts.second = await mount();
    }
    return new TheirSubject(reference, file, mounts);
  }

  codeOf(error: unknown): string | null {
    return error instanceof OracleError && !error.code.startsWith("python:") ? error.code : null;
  }

  async perform(
    via: "first" | "second",
    op: string,
    args: Record<string, Value>,
    _run: (steps: Step[]) => Promise<void>,
    _through: unknown,
  ): Promise<Value> {
    const mount = this.#mounts[via];
    if (op === "symlink") {
      args = {
        path: args.path,
        type: "symlink",
        data: utf8(args.target as string),
      };
      op = "create_special";
    }
    if (op in APPLIED) {
      const plain: Record<string, Value> = { op: APPLIED[op] };
      if (op === "mkdir") {
        Object.assign(plain, { parents: false, existOk: false });
      }
      if (op === "put") plain.append = false;
      for (const [key, value] of Object.entries(args)) {
        const name = key === "exist_ok" ? "existOk" : key;
        plain[name] = value instanceof Uint8Array ? hex(value) : value;
      }
      return await this.#reference.call("apply", {
        file: this.#file,
        mount,
        op: plain,
      });
    }
    if (!ASKED.has(op) || "version" in args) throw new NotSupported(op);
    const plain: Record<string, Value> = {};
    for (const [key, value] of Object.entries(args)) {
      plain[key] = value instanceof Uint8Array ? hex(value) : value;
    }
    const answer = await this.#reference.call("ask", {
      file: this.#file,
      mount,
      what: op,
      args: plain,
    });
    return revive(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const mount of Object.values(this.#mounts)) {
      await this.#reference.call("unmount", { mount });
    }
  }
}

/** Bytes travel as `{"hex": …}`, great numbers as `{"int": …}`. */
function revive(value: unknown): Value {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== "object") return value;
  const map = value as Record<string, unknown>;
  if (typeof map.hex === "string") return unhex(map.hex);
  if (typeof map.int === "string") return BigInt(map.int);
  return Object.fromEntries(
    Object.entries(map).map(([key, item]) => [key, revive(item)]),
  );
}
