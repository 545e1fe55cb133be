/** The era of the format that files are brought to. */
export const ERA = 3;

/** The newest migration's name. */
export const NEWEST = "0003_aloe_additions";

/** Our own objects that must be in a file; the newest migration makes missing ones again. */
export const OBJECTS = [
  "aloe_edge_from",
  "aloe_removed",
  "aloe_version",
  "aloe_edge_removed",
  "aloe_edge_restored",
  "aloe_version_committed",
] as const;
