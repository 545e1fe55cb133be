import { Download, ShieldCheck, Sparkles } from "lucide-react";
import { useState } from "react";
import { usage } from "../api/files.ts";
import { exportUrl, filesystemSpace, pruneFilesystem } from "../api/filesystems.ts";
import type { Space } from "../api/types.ts";
import type { Volume } from "../api/types.ts";
import { volumeHealth } from "../api/volumes.ts";
import { Action, Notice, Waiting } from "../components/controls.tsx";
import { explain } from "../lib/explain.ts";
import { bytes, count } from "../lib/format.ts";
import { useCatalog } from "../state/catalog.tsx";
import { useFeed } from "../state/feed.ts";
import { useResource } from "../state/resource.ts";
import { attempt, say } from "../state/toasts.ts";
import { save } from "./file_actions.tsx";

/** The parts that add up to the size of the file. */
const PARTS: [keyof Space, string][] = [
  ["content_bytes", "Current files"],
  ["version_bytes", "Older versions"],
  ["trash_bytes", "Trash"],
  ["unfinished_bytes", "Unfinished uploads"],
  ["unused_bytes", "Unused, can be freed"],
  ["metadata_bytes", "Names and other metadata"],
  ["free_bytes", "Free pages, for later content"],
];

/** Shows the volume's space, the saved space, and maintenance actions. */
export function SpaceView({ volume }: { volume: Volume }) {
  const catalog = useCatalog();
  const state = useResource(`usage:${volume.id}`, (signal) => usage(volume.id, signal));
  const space = useResource(
    `space:${volume.fs_id}`,
    (signal) => filesystemSpace(volume.fs_id, signal),
  );
  const reload = () => {
    state.reload();
    space.reload();
  };
  const [busy, setBusy] = useState<"check" | "prune" | null>(null);
  const [report, setReport] = useState<{ ok: boolean; text: string } | null>(null);
  useFeed(volume.id, reload, 1500);
  const file = catalog.filesystems.data?.find((one) => one.id === volume.fs_id);

  const doing = async (what: "check" | "prune", task: () => Promise<void>) => {
    setBusy(what);
    await attempt(task);
    setBusy(null);
  };

  if (state.loading || space.loading) return <Waiting />;
  if (state.data === undefined) return <Notice tone="bad">{explain(state.error)}</Notice>;
  if (space.data === undefined) return <Notice tone="bad">{explain(space.error)}</Notice>;
  const { nodes, content_bytes } = state.data;
  const parts = PARTS.map(([key, name]) => ({ name, size: space.data![key] ?? 0 }));
  return (
    <section className="wide" aria-label="Space">
      <div className="card space">
        <p className="figure">
          <strong>{bytes(space.data.saved_bytes)}</strong> saved
        </p>
        <p className="hint">
          Equal content is stored once, in files and in their older versions. This volume has{" "}
          {count(nodes, "file and folder", "files and folders")} with {bytes(content_bytes)}.
        </p>
      </div>
      <div className="card space">
        <h2>Space by use</h2>
        <dl className="facts">
          {parts.map(({ name, size }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{bytes(size)}</dd>
            </div>
          ))}
          <div>
            <dt>The whole file</dt>
            <dd>{bytes(space.data.file_bytes)}</dd>
          </div>
          {space.data.disk_free_bytes !== null && (
            <div>
              <dt>Free on the disk</dt>
              <dd>{bytes(space.data.disk_free_bytes)}</dd>
            </div>
          )}
        </dl>
      </div>
      {file && (
        <div className="card space">
          <h2>The SQLite file</h2>
          <p className="hint">
            {file.name}: {bytes(file.size_bytes)}, with {count(file.volumes.length, "volume")}.
          </p>
          <p className="actions">
            <Action onPress={() => save(exportUrl(volume.fs_id))}>
              <Download size={16} aria-hidden /> Download it
            </Action>
            <Action
              isDisabled={busy !== null}
              onPress={() =>
                doing("prune", async () => {
                  const { freed_bytes, reusable_bytes } = await pruneFilesystem(volume.fs_id);
                  reload();
                  catalog.reload();
                  say(
                    `${bytes(reusable_bytes)} freed in the file, ` +
                      `${bytes(freed_bytes)} returned to the disk`,
                  );
                })}
            >
              <Sparkles size={16} aria-hidden />
              {busy === "prune" ? "Freeing…" : "Free unused space"}
            </Action>
            <Action
              isDisabled={busy !== null}
              onPress={() =>
                doing("check", async () => {
                  const found = await volumeHealth(volume.id, true);
                  setReport({
                    ok: found.ok === true,
                    text: found.ok === true
                      ? "All content was read and is valid."
                      : `Errors found: ${JSON.stringify(found.anomalies ?? found)}`,
                  });
                })}
            >
              <ShieldCheck size={16} aria-hidden />
              {busy === "check" ? "Checking…" : "Check all content"}
            </Action>
          </p>
          {report && <Notice tone={report.ok ? "info" : "bad"}>{report.text}</Notice>}
        </div>
      )}
    </section>
  );
}
