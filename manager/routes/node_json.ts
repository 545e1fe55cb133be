import type { Device, NodeType } from "../../mod.ts";
import type { DetailedEntry } from "../../src/internal.ts";
import type { NodeStat } from "../volumes/volume_service.ts";
import { toRfc3339 } from "../volumes/times.ts";

/** The types of nodes in responses. */
export type JsonType = "directory" | "file" | "symlink" | "fifo" | "socket" | "device";

const TYPES: Record<NodeType, JsonType> = {
  container: "directory",
  entry: "file",
  symlink: "symlink",
  fifo: "fifo",
  socket: "socket",
};

/**
 * A node's type as responses have it.
 *
 * @param device What device it is; null when it is none.
 */
export function jsonType(type: NodeType, device: Device | null): JsonType {
  return device === null ? TYPES[type] : "device";
}

/** The JSON of a node. */
export interface NodeJson {
  id: string;
  name: string;
  path: string | null;
  type: JsonType;
  size: number;
  version: number | null;
  created_at: string;
  modified_at: string;
  accessed_at: string;
  changed_at: string;
  mode: number | null;
  uid: number | null;
  gid: number | null;
  links: number;
  retention: number | null;
  metadata: Record<string, string>;
  target?: string;
  device?: Device;
}

/** Converts a node to JSON. */
export function nodeJson({ info, path, linkTarget }: NodeStat): NodeJson {
  return {
    id: info.id,
    name: info.name,
    path,
    type: jsonType(info.type, info.device),
    size: info.size ?? 0,
    version: info.version,
    created_at: toRfc3339(info.createdAt),
    modified_at: toRfc3339(info.modifiedAt),
    accessed_at: toRfc3339(info.atime),
    changed_at: toRfc3339(info.ctime),
    mode: info.mode,
    uid: info.uid,
    gid: info.gid,
    links: info.nlink,
    retention: info.retention,
    metadata: info.metadata,
    ...(linkTarget === undefined ? {} : { target: linkTarget }),
    ...(info.device === null ? {} : { device: info.device }),
  };
}

/** Writes the entries of a listing as text, since there may be tens of thousands of them. */
export class EntryWriter {
  #second = NaN;
  #text = "";

  /** One entry as JSON. */
  write(entry: DetailedEntry): string {
    const target = entry.target === null ? "" : `,"target":${JSON.stringify(entry.target)}`;
    return `{"id":"${entry.node}","name":${JSON.stringify(entry.name)},"type":"${
      jsonType(entry.type, entry.device)
    }","size":${entry.size ?? 0},"version":${entry.version},"mode":${entry.mode},"created_at":"${
      this.#time(entry.createdSec, entry.createdNsec)
    }","modified_at":"${
      this.#time(entry.modifiedSec, entry.modifiedNsec)
    }","visible":${entry.visible},"edge":"${entry.edge}"${target}${
      entry.device === null ? "" : `,"device":${JSON.stringify(entry.device)}`
    }}`;
  }

  #time(sec: number, nsec: number): string {
    if (sec !== this.#second) {
      this.#second = sec;
      // The fraction is appended.
      this.#text = toRfc3339(BigInt(sec) * 1_000_000_000n).slice(0, -10);
    }
    return `${this.#text}${String(nsec).padStart(9, "0")}Z`;
  }
}
