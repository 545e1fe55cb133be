import type { Mount, NodeInfo } from "../mod.ts";
import { decodeText } from "../src/names.ts";
import { Fault } from "./faults.ts";

/** The kind of a node as shown to users; a file written by another driver may be a link. */
export type FileKind =
  | "directory"
  | "file"
  | "symlink"
  | "fifo"
  | "socket"
  | "character device"
  | "block device";

/** The maximum length of a link target, in bytes. */
const LONGEST_TARGET = 64 * 1024;

/**
 * Returns a node's kind. A link is a node of type `symlink` or, in the older style, an entry with
 * the metadata `symlink=1`.
 */
export function fileKind(node: NodeInfo): FileKind {
  switch (node.type) {
    case "container":
      return "directory";
    case "entry":
      if (node.device !== null) return DEVICES[node.device.kind];
      return node.metadata["symlink"] === "1" ? "symlink" : "file";
    default:
      return node.type;
  }
}

/**
 * Refuses what has no content to copy out.
 *
 * @param path Its path, for the message.
 * @throws {Fault} For a device, a FIFO and a socket.
 */
export function refuseSpecial(path: string, node: NodeInfo): void {
  const kind = fileKind(node);
  if (kind === "directory" || kind === "file" || kind === "symlink") return;
  throw new Fault(path, `is a ${kind}, which cannot be copied out; a mount shows it as one`);
}

const DEVICES = { char: "character device", block: "block device" } as const;

/** Returns a node's size for a listing: bytes, or the numbers of a device. */
export function describeSize(node: NodeInfo): string {
  if (node.device !== null) return `${node.device.major}, ${node.device.minor}`;
  return node.size === null ? "-" : node.size.toString();
}

/**
 * Returns a link's target with its bytes encoded as in names; null for a node that is not a link.
 */
export async function linkTarget(
  mount: Mount,
  node: NodeInfo,
): Promise<string | null> {
  if (fileKind(node) !== "symlink" || (node.size ?? 0) > LONGEST_TARGET) {
    return null;
  }
  return decodeText(await mount.readAllById(node.id));
}

const LETTERS: Readonly<Record<FileKind, string>> = {
  directory: "d",
  file: "-",
  symlink: "l",
  fifo: "p",
  socket: "s",
  "character device": "c",
  "block device": "b",
};

/** Returns the permissions that a mount gives a node without any. */
function defaultMode(kind: FileKind): number {
  if (kind === "directory") return 0o755;
  return kind === "symlink" ? 0o777 : 0o644;
}

/** Returns type and permissions as `ls -l` writes them: `-rwxr-xr-x`. */
export function describeMode(node: NodeInfo): string {
  const kind = fileKind(node);
  const letter = LETTERS[kind];
  const mode = node.mode ?? defaultMode(kind);
  const triple = (shift: number, special: number, letters: string): string => {
    const bits = (mode >> shift) & 7;
    const x = (bits & 1) !== 0;
    const last = (mode & special) === 0 ? (x ? "x" : "-") : (x ? letters : letters.toUpperCase());
    return ((bits & 4) !== 0 ? "r" : "-") + ((bits & 2) !== 0 ? "w" : "-") +
      last;
  };
  return letter + triple(6, 0o4000, "s") + triple(3, 0o2000, "s") +
    triple(0, 0o1000, "t");
}
