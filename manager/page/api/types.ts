/**
 * The types of the manager's JSON, taken from its schemas. Only types are
 * imported, so that the page contains no schema.
 */
import type { Entry } from "../../api/nodes.ts";

export type { OnConflict } from "../../api/common.ts";
export type { FeedEvent } from "../../api/events.ts";
export type { Filesystem, Pruned, Space } from "../../api/filesystems.ts";
export type { Version } from "../../api/history.ts";
export type { Mounted, MountRequest, MountStatus } from "../../api/mounts.ts";
export type { Entry, Listing, Node as NodeFacts, Transfer, Transferred } from "../../api/nodes.ts";
export type { Found } from "../../api/search.ts";
export type { Check, Health } from "../../api/system.ts";
export type { Task, TaskFailure, TaskRequest } from "../../api/tasks.ts";
export type { TrashItem } from "../../api/trash.ts";
export type { Upload } from "../../api/uploads.ts";
export type { Usage } from "../../api/usage.ts";
export type { CreatedVolume, NewVolume, Volume } from "../../api/volumes.ts";

/** The facts of an entry, in a directory listing or a search result. */
export type EntryFacts = Omit<Entry, "visible" | "edge">;

/** JSON that the page sends and does not modify. */
export type Sent<T> = T extends readonly (infer U)[] ? readonly Sent<U>[]
  : T extends object ? { readonly [K in keyof T]: Sent<T[K]> }
  : T;
