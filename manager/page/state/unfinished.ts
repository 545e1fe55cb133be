import { useSyncExternalStore } from "react";
import { uploads, uploadUrl } from "../api/files.ts";
import type { Upload } from "../api/types.ts";
import { baseName } from "../lib/paths.ts";
import { abandonedUploads, whenAbandonedChange } from "../uploads/abandoned.ts";
import { queuedUploads, useTransfers } from "../uploads/queue.ts";
import { useFeed } from "./feed.ts";
import { useResource } from "./resource.ts";

/** The volume's unfinished uploads that no request is sending. */
export function useUnfinished(volume: string | null): readonly Upload[] {
  const state = useResource(
    volume === null ? null : `uploads:${volume}`,
    (signal) => uploads(volume!, signal),
  );
  useFeed(volume, state.reload, 2000);
  const abandoned = useSyncExternalStore(whenAbandonedChange, abandonedUploads);
  useTransfers();
  const queued = queuedUploads();
  if (volume === null || state.error !== undefined) return [];
  return (state.data ?? []).filter(({ id }) => {
    const url = uploadUrl(volume, id);
    return !abandoned.has(url) && !queued.has(url);
  });
}

/** Whether a file is the one that the upload was begun with. */
export function isSourceOf({ path, length, modified_at }: Upload, file: File): boolean {
  return file.name === baseName(path) && file.size === length && modified_at !== null &&
    Date.parse(modified_at) === file.lastModified;
}
