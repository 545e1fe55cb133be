/**
 * Random operations for tests that compare two implementations: generated
 * without knowledge of the tree, then aimed at what is in it.
 *
 * @module
 */

import fc from "fast-check";
import type { Op } from "./ops.ts";

/** A visible path and what is there. */
export interface Live {
  /** The path. */
  path: string;
  /** The type of the node there. */
  type: string;
  /** The node's id. */
  id: string;
}

/** Names that are legal, among them ones that look special and are not. */
export const NAMES = [
  "a",
  "b",
  "c",
  "a.txt",
  "...",
  ".a",
  " ",
  "%",
  "A",
  'it\'s "q"',
  "é",
  "e\u0301",
  "日本語",
  "🌵",
  "*",
  "-rf",
] as const;

const KINDS: [number, Op["op"]][] = [
  [8, "createEntry"],
  [7, "createContainer"],
  [2, "mkdir"],
  [4, "writeAll"],
  [4, "append"],
  [4, "writeRange"],
  [4, "truncate"],
  [2, "put"],
  [4, "stream"],
  [4, "rename"],
  [5, "move"],
  [3, "copy"],
  [3, "link"],
  [3, "remove"],
  [2, "removeRecursive"],
  [1, "pack"],
  [2, "unpack"],
  [2, "setMetadata"],
  [1, "setRetention"],
  [2, "createSpecial"],
  [2, "setXattr"],
  [1, "removeXattr"],
  [1, "setOwner"],
  [1, "setMtime"],
  [1, "setAtime"],
  [1, "pruneContent"],
];

/** An operation before it is aimed. */
export interface Draft {
  /** What to do. */
  kind: Op["op"];
  /** Picks the first path. */
  first: number;
  /** Picks the second path. */
  second: number;
  /** Whether the first pick ignores what would make sense. */
  wild: boolean;
  /** A new name. */
  name: string;
  /** Content. */
  data: Uint8Array;
  /** An offset, a size, a count. */
  amount: number;
  /** A choice among variants. */
  variant: number;
}

/**
 * Drafts of operations.
 *
 * @param bytes How much content there is at most.
 * @param unit Lengths and offsets are multiples of it. Encrypted chunks of one
 * byte have 256 addresses between them: the reference reads one for another
 * where they meet, and so is given none so short.
 */
export const drafts = (bytes: number, unit: number = 1): fc.Arbitrary<Draft> =>
  fc.record({
    kind: fc.oneof(
      ...KINDS.map(([weight, kind]) => ({
        weight,
        arbitrary: fc.constant(kind),
      })),
    ),
    first: fc.nat(997),
    second: fc.nat(991),
    wild: fc.nat(9).map((n) => n === 0),
    name: fc.constantFrom(...NAMES),
    // Few distinct bytes, so that chunks repeat and deduplication has work.
    data: fc.array(fc.constantFrom(0, 1, 255), { maxLength: bytes / unit }).map((a) =>
      Uint8Array.from(a.flatMap((byte) => Array<number>(unit).fill(byte)))
    ),
    amount: fc.nat(bytes / unit).map((n) => n * unit),
    variant: fc.nat(11),
  });

/** Aims a draft at a tree. */
export function aim(draft: Draft, live: Live[]): Op {
  const { kind, name, amount, variant } = draft;
  const data = draft.data.toHex();
  const among = (wanted: (type: string) => boolean, pick: number): string => {
    const fit = live.filter((l) => draft.wild || l.path !== "/" && wanted(l.type));
    const from = fit.length > 0 ? fit : live;
    return from[pick % from.length].path;
  };
  const dirs = live.filter((l) => l.type === "container");
  const inside = (pick: number): string => {
    if (draft.wild && pick % 3 === 0) return `/${name}/missing/${name}`;
    const dir = dirs[pick % dirs.length].path;
    return `${dir === "/" ? "" : dir}/${name}`;
  };
  const file = () => among((t) => t !== "container", draft.first);
  const entry = () => among((t) => t === "entry", draft.first);
  const dir = () => among((t) => t === "container", draft.first);
  const any = () => among(() => true, draft.first);
  // Of the root the two refuse some things with different codes.
  const unlessRoot = (path: string) => path === "/" ? "/missing" : path;
  switch (kind) {
    case "pruneContent":
      return { op: kind };
    case "createEntry":
      return variant === 0
        ? { op: kind, path: inside(draft.first) }
        : { op: kind, path: inside(draft.first), data };
    case "createContainer":
      return { op: kind, path: inside(draft.first) };
    case "mkdir":
      return {
        op: kind,
        path: variant % 2 ? `${inside(draft.first)}/${name}` : inside(draft.first),
        parents: variant % 3 > 0,
        existOk: variant % 4 > 1,
      };
    case "writeAll":
    case "append":
      return { op: kind, path: file(), data };
    case "writeRange":
      return { op: kind, path: file(), offset: amount, data };
    case "truncate":
      return { op: kind, path: file(), size: amount };
    case "put":
      return {
        op: kind,
        path: variant % 2 ? file() : inside(draft.first),
        data,
        append: variant % 3 === 0,
      };
    case "stream": {
      const cut = data.length - (data.length % 2 ? 1 : 0);
      const at = Math.min(cut, (draft.second % (cut / 2 + 1)) * 2);
      return {
        op: kind,
        path: variant % 4 === 0 ? inside(draft.first) : entry(),
        mode: variant % 2 ? "append" : "truncate",
        parts: [data.slice(0, at), data.slice(at)],
        abort: false,
      };
    }
    case "rename":
      return { op: kind, path: any(), name };
    case "move":
    case "copy":
      return { op: kind, from: any(), to: inside(draft.second) };
    case "link":
      return { op: kind, from: file(), to: inside(draft.second) };
    case "remove":
    case "removeRecursive":
      return { op: kind, path: unlessRoot(any()) };
    case "pack":
      return { op: kind, path: dir() };
    case "unpack":
      return { op: kind, path: unlessRoot(entry()) };
    case "setMetadata":
      return {
        op: kind,
        path: any(),
        metadata: variant % 3 === 0 ? {} : { [name]: String(variant), k: "v" },
      };
    case "setRetention":
      return {
        op: kind,
        path: entry(),
        keep: variant % 4 === 0 ? null : variant % 4,
      };
    case "createSpecial":
      return {
        op: kind,
        path: inside(draft.first),
        type: (["symlink", "fifo", "socket"] as const)[variant % 3],
        data: variant % 3 === 0 ? new TextEncoder().encode(`../${name}`).toHex() : "",
      };
    case "setXattr":
      return { op: kind, path: any(), name: `user.${variant % 3}`, data };
    case "removeXattr":
      return { op: kind, path: any(), name: `user.${variant % 3}` };
    case "setOwner":
      return {
        op: kind,
        path: any(),
        uid: 1000 + variant,
        gid: 100,
        mode: 0o640 | variant,
      };
    case "setMtime":
    case "setAtime":
      return {
        op: kind,
        path: any(),
        time: `${1_600_000_000 + amount}000000${100 + variant}`,
      };
  }
}
