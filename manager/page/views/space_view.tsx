import { Download, ShieldCheck, Sparkles } from "lucide-react";
import { useState } from "react";
import { usage } from "../api/files.ts";
import { exportUrl, pruneFilesystem } from "../api/filesystems.ts";
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

/** What the volume takes, what is saved, and what keeps it sound. */
export function SpaceView({ volume }: { volume: Volume }) {
  const catalog = useCatalog();
  const state = useResource(`usage:${volume.id}`, (signal) => usage(volume.id, signal));
  const [busy, setBusy] = useState<"check" | "prune" | null>(null);
  const [report, setReport] = useState<{ ok: boolean; text: string } | null>(null);
  useFeed(volume.id, state.reload, 1500);
  const file = catalog.filesystems.data?.find((one) => one.id === volume.fs_id);

  const doing = async (what: "check" | "prune", task: () => Promise<void>) => {
    setBusy(what);
    await attempt(task);
    setBusy(null);
  };

  if (state.loading) return <Waiting />;
  if (state.data === undefined) return <Notice tone="bad">{explain(state.error)}</Notice>;
  const { content_bytes, stored_bytes, saved_bytes, trash_bytes, nodes } = state.data;
  const whole = Math.max(content_bytes, stored_bytes, 1);
  return (
    <section className="wide" aria-label="Space">
      <div className="card space">
        <p className="figure">
          <strong>{bytes(saved_bytes)}</strong> saved
        </p>
        <p className="hint">
          Content that is there more than once is stored once, in files and in their older versions.
        </p>
        <div className="meter" aria-hidden>
          <span
            style={{ width: `${Math.min(100, (100 * stored_bytes) / whole)}%` }}
          />
        </div>
        <dl className="facts">
          <div>
            <dt>Content of all files and versions</dt>
            <dd>{bytes(content_bytes)}</dd>
          </div>
          <div>
            <dt>Stored for it</dt>
            <dd>{bytes(stored_bytes)}</dd>
          </div>
          <div>
            <dt>In the trash</dt>
            <dd>{bytes(trash_bytes)}</dd>
          </div>
          <div>
            <dt>Files and folders</dt>
            <dd>{nodes.toLocaleString("en")}</dd>
          </div>
        </dl>
      </div>
      {file && (
        <div className="card space">
          <h2>The file that it is in</h2>
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
                  await pruneFilesystem(volume.fs_id);
                  state.reload();
                  catalog.reload();
                  say("Unused space is freed");
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
                      ? "All content was read and is sound."
                      : `Something is wrong: ${JSON.stringify(found.anomalies ?? found)}`,
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
