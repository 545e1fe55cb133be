/** The era of the format that files are brought to. */
export const ERA = 3;

/** The newest migration's name. */
export const NEWEST = "0007_seals";

/** Our own objects that must be in a file; missing ones are made again. */
export const OBJECTS = [
  "aloe_edge_from",
  "aloe_removed",
  "aloe_version",
  "aloe_edge_removed",
  "aloe_edge_restored",
  "aloe_version_committed",
  "aloe_redo",
  "aloe_redo_node",
  "aloe_size",
  "aloe_unlinked",
  "aloe_orphan",
  "aloe_device",
  "aloe_subdir",
  "aloe_subdir_added",
  "aloe_subdir_removed",
  "aloe_subdir_restored",
  "aloe_subdir_deleted",
  "aloe_edge_gone",
  "aloe_mount_point",
  "aloe_lock_node",
  "aloe_upload",
  "aloe_hole",
  "aloe_seal",
  "aloe_sealed",
] as const;
