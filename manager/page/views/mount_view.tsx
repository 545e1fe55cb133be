import { FolderSymlink } from "lucide-react";
import { useState } from "react";
import { Switch } from "react-aria-components";
import type { Volume } from "../api/types.ts";
import { mount, mountStatus, unmount } from "../api/volumes.ts";
import { Action, Field, Notice, Waiting } from "../components/controls.tsx";
import { explain } from "../lib/explain.ts";
import { useCatalog } from "../state/catalog.tsx";
import { useFeed } from "../state/feed.ts";
import { useResource } from "../state/resource.ts";
import { navigate } from "../state/route.ts";
import { attempt } from "../state/toasts.ts";

/** Mounts the volume as a directory of the manager's machine. */
export function MountView({ volume }: { volume: Volume }) {
  const catalog = useCatalog();
  const status = useResource(`mount:${volume.id}`, (signal) => mountStatus(volume.id, signal));
  const [pin, setPin] = useState("");
  const [folder, setFolder] = useState(true);
  const [persist, setPersist] = useState(false);
  const [pinFile, setPinFile] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useFeed(volume.id, status.reload);

  if (status.loading) return <Waiting />;
  if (status.data === undefined) return <Notice tone="bad">{explain(status.error)}</Notice>;
  const { mounted, frontend, mountpoint, host_path } = status.data;

  const doing = async (task: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await task();
      setPin("");
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
    status.reload();
    catalog.reload();
  };

  if (mounted || frontend !== null) {
    const where = host_path ?? mountpoint;
    return (
      <section className="narrow" aria-label="Mount">
        <div className="card space">
          <h2>
            {frontend === "direct" ? "Open in the manager" : "Mounted"}
          </h2>
          {where
            ? (
              <>
                <p>Programs on the manager’s machine find the files at</p>
                <p className="actions">
                  <code className="where">{where}</code>
                  <Action onPress={() => attempt(() => navigator.clipboard.writeText(where))}>
                    Copy path
                  </Action>
                </p>
              </>
            )
            : <p className="hint">The manager keeps the volume open, without a folder.</p>}
          {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
          <Action isDisabled={busy} onPress={() => doing(() => unmount(volume.id))}>
            {busy ? "Unmounting…" : "Unmount"}
          </Action>
        </div>
      </section>
    );
  }
  return (
    <section className="narrow" aria-label="Mount">
      <form
        className="card space"
        onSubmit={(event) => {
          event.preventDefault();
          doing(() =>
            mount(volume.id, {
              mode: folder ? "fuse" : "direct",
              ...(volume.encrypted ? { pin } : {}),
              ...(persist ? { persist } : {}),
              ...(persist && volume.encrypted && pinFile ? { pin_file: pinFile } : {}),
            })
          );
        }}
      >
        <div className="empty-icon">
          <FolderSymlink size={26} strokeWidth={1.4} aria-hidden />
        </div>
        <h2>Mount</h2>
        <p className="hint">
          Programs on the manager’s machine can use a mounted volume like any folder. Everybody who
          may open that folder can read the files while it is mounted.
        </p>
        <Switch isSelected={folder} onChange={setFolder} className="switch">
          <span className="switch-track" aria-hidden>
            <span className="switch-knob" />
          </span>
          <span>
            <strong>As a folder</strong>
            <small>Without it the manager only keeps the volume open, which needs no FUSE.</small>
          </span>
        </Switch>
        {volume.encrypted && <Field label="PIN" type="password" value={pin} onChange={setPin} />}
        <Switch isSelected={persist} onChange={setPersist} className="switch">
          <span className="switch-track" aria-hidden>
            <span className="switch-knob" />
          </span>
          <span>
            <strong>Mount again after a restart</strong>
            <small>Until you unmount it here.</small>
          </span>
        </Switch>
        {persist && volume.encrypted && (
          <Field
            label="File with the PIN"
            value={pinFile}
            onChange={setPinFile}
            hint="A name in the folder that the manager was started with for PINs (--mount-pin-dir). The PIN itself is not stored."
          />
        )}
        {error !== null && (
          <Notice tone="bad">
            {explain(error)}{" "}
            <button
              type="button"
              className="link"
              onClick={() => navigate({ page: "health", volume: "" })}
            >
              See the requirements of mounts
            </button>
          </Notice>
        )}
        <Action type="submit" tone="primary" isDisabled={busy || (volume.encrypted && pin === "")}>
          {busy ? "Mounting…" : "Mount"}
        </Action>
      </form>
    </section>
  );
}
