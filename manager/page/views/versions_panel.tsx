import { RotateCcw } from "lucide-react";
import { history, restoreVersion } from "../api/files.ts";
import type { Volume } from "../api/types.ts";
import { Action, Notice, Waiting } from "../components/controls.tsx";
import { explain } from "../lib/explain.ts";
import { bytes, longTime } from "../lib/format.ts";
import { useFeed } from "../state/feed.ts";
import { useResource } from "../state/resource.ts";
import { attempt, say } from "../state/toasts.ts";

/** All versions of a file, newest first; each can be viewed and restored. */
export function VersionsPanel(
  { volume, path, shown, onShow }: {
    volume: Volume;
    path: string;
    shown: number | null;
    onShow: (version: number | null) => void;
  },
) {
  const state = useResource(
    `history:${volume.id}:${path}`,
    (signal) => history(volume.id, path, signal),
  );
  useFeed(volume.id, state.reload, 400);
  const versions = [...state.data ?? []].sort((a, b) => b.version - a.version);
  return (
    <>
      <h3>Versions</h3>
      {state.error !== undefined && <Notice tone="bad">{explain(state.error)}</Notice>}
      {state.loading && <Waiting />}
      <ul className="versions">
        {versions.map((one) => (
          <li
            key={one.version}
            className={(one.current ? shown === null : shown === one.version) ? "is-shown" : ""}
          >
            <button
              type="button"
              className="version"
              onClick={() => onShow(one.current ? null : one.version)}
            >
              <strong>{one.current ? "Current" : `Version ${one.version}`}</strong>
              <small>{longTime(one.committed_at)}, {bytes(one.size)}</small>
            </button>
            {!one.current && (
              <Action
                aria-label={`Restore version ${one.version}`}
                onPress={() =>
                  attempt(async () => {
                    await restoreVersion(volume.id, path, one.version);
                    onShow(null);
                    state.reload();
                    say(`Version ${one.version} restored`);
                  })}
              >
                <RotateCcw size={15} aria-hidden /> Restore
              </Action>
            )}
          </li>
        ))}
      </ul>
      {versions.length === 1 && (
        <p className="hint">Each write of the file keeps the previous version here.</p>
      )}
    </>
  );
}
