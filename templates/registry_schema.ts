/** Nanoseconds since the Unix epoch, past 2^53, so read as `bigint`. */
type Nanoseconds = bigint;

/** Table `filesystem` of the manager's records: the files that it serves. */
export interface FilesystemTable {
  fs_id: string;
  /** The file's name in the folder of filesystems. */
  file_name: string;
  name: string;
  created_at: Nanoseconds;
  /** `creating`, `ready` or `deleting`: what a restart has to finish. */
  state: string;
}

/** Table `mount` of the manager's records: what is, or is to be, mounted. */
export interface ManagedMountTable {
  volume_id: string;
  fs_id: string;
  /** `fuse` or `direct`. */
  mode: string;
  mountpoint: string | null;
  /** 1 when it is to come back after a restart. */
  persist: number;
  /** The variable that holds the PIN: its name alone is kept. */
  pin_env: string | null;
  /** The file that holds the PIN: its path alone is kept. */
  pin_file: string | null;
  pid: number | null;
  started_at: Nanoseconds;
}

/** Table `setting` of the manager's records. */
export interface SettingTable {
  name: string;
  value: string;
}

/** Every table of the manager's records. */
export interface RegistrySchema {
  filesystem: FilesystemTable;
  mount: ManagedMountTable;
  setting: SettingTable;
}
