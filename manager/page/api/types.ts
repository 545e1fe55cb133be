/** The manager's JSON, as far as the page reads it. */

export interface Volume {
  id: string;
  name: string | null;
  encrypted: boolean;
  fs_id: string;
  attached: boolean;
  mounted: boolean;
  auto_mount: boolean;
  frontend: "fuse" | "direct" | null;
  mountpoint: string | null;
}

export type EntryType = "file" | "directory" | "symlink" | (string & Record<never, never>);

/** One row of a directory. */
export interface Entry {
  id: string;
  name: string;
  type: EntryType;
  size: number;
  modified_at: string;
  created_at: string;
  version: number | null;
  mode: number | null;
  visible: boolean;
  edge: string;
  target?: string | null;
}

export interface Listing {
  path: string;
  node: string;
  entries: Entry[];
  next: string | null;
}

export interface FoundEntry extends Entry {
  path: string;
}

export interface NodeFacts {
  id: string;
  name: string;
  path: string;
  type: EntryType;
  size: number;
  version: number | null;
  modified_at: string;
  created_at: string;
  mode: number | null;
  retention?: number | null;
  metadata?: Record<string, unknown>;
}

export interface Version {
  version: number;
  size: number;
  committed_at: string;
  current: boolean;
}

export interface TrashItem {
  id: string;
  name: string;
  path: string;
  type: EntryType;
  size: number;
  deleted_at: string;
}

/** An upload that is not finished. */
export interface Upload {
  id: string;
  path: string;
  offset: number;
  length: number | null;
  modified_at: string | null;
  /** Whether it is being sent now. */
  active: boolean;
  created_at: string;
  expires_at: string;
}

export interface Usage {
  content_bytes: number;
  stored_bytes: number;
  saved_bytes: number;
  trash_bytes: number;
  nodes: number;
  [more: string]: unknown;
}

export interface Filesystem {
  id: string;
  name: string;
  size_bytes: number;
  free_bytes: number;
  mtime: string | number;
  created_at: string;
  volumes: ({ id: string; name: string | null } | string)[];
}

export interface MountStatus {
  id: string;
  frontend: "fuse" | "direct" | null;
  mounted: boolean;
  ready: boolean;
  mountpoint: string | null;
  host_path?: string | null;
  auto_mount?: boolean;
}

export interface MountRequest {
  mode: "fuse" | "direct";
  pin?: string;
  persist?: boolean;
  pin_env?: string;
  pin_file?: string;
}

export interface Check {
  name: string;
  ok: boolean;
  fatal: boolean;
  detail: string;
  remedy: string | null;
}

export interface Health {
  status: string;
  checks: Check[];
}

/** What the feed tells. */
export interface FeedEvent {
  type: string;
  fs_id?: string;
  volume_id?: string;
}

/** What is done where a name is taken. */
export type OnConflict = "fail" | "skip" | "replace" | "rename";

/** Work on any number of items. */
export type TaskWish =
  | { operation: "remove"; paths: readonly string[] }
  | {
    operation: "move" | "copy";
    paths: readonly string[];
    to: string;
    on_conflict?: OnConflict;
  }
  | { operation: "restore"; ids: readonly string[]; on_conflict?: OnConflict }
  | { operation: "purge"; ids?: readonly string[]; all?: boolean }
  | { operation: "undo"; task: string };

export interface TaskFailure {
  /** Its path, or its id in the trash. */
  item: string;
  code: string;
  detail: string;
}

/** How such work stands. */
export interface Task {
  id: string;
  operation: TaskWish["operation"];
  to: string | null;
  state: "running" | "done" | "failed" | "cancelled";
  total: number;
  processed: number;
  succeeded: number;
  replaced: number;
  renamed: number;
  skipped: number;
  failed: number;
  failures: TaskFailure[];
  error: { code: string; detail: string } | null;
  undoable: boolean;
  result: string | null;
}
