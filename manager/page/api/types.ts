/**
 * The types of the manager's JSON, as its own schemas have them. Types alone: no
 * schema gets into the page.
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

/** What is known of an entry, whether a directory lists it or a search has found it. */
export type EntryFacts = Omit<Entry, "visible" | "edge">;

/** JSON that the page sends: it changes nothing of it. */
export type Sent<T> = T extends readonly (infer U)[] ? readonly Sent<U>[]
  : T extends object ? { readonly [K in keyof T]: Sent<T[K]> }
  : T;
