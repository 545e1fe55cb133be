import { HardDrive, Import, Lock, Plus, ShieldCheck } from "lucide-react";
import { History, Layers } from "lucide-react";
import { useRef, useState } from "react";
import { Link } from "react-aria-components";
import type { Volume } from "../api/types.ts";
import { Action, Notice, Waiting } from "../components/controls.tsx";
import { explain } from "../lib/explain.ts";
import { useCatalog } from "../state/catalog.tsx";
import { hrefOf, volumePlace } from "../state/route.ts";
import { enqueueImport } from "../uploads/queue.ts";
import { CreateDialog } from "./create_dialog.tsx";
import { FilesystemLines } from "./filesystem_lines.tsx";

/** Lists all volumes, or shows a welcome. */
export function HomeView() {
  const { volumes, filesystems } = useCatalog();
  const [creating, setCreating] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const all = volumes.data;
  const create = (
    <Action tone="primary" onPress={() => setCreating(true)}>
      <Plus size={17} aria-hidden /> {all?.length ? "New volume" : "Create your first volume"}
    </Action>
  );
  const bring = (
    <Action onPress={() => picker.current?.click()}>
      <Import size={16} aria-hidden /> Import…
    </Action>
  );
  return (
    <div className="wide">
      {volumes.error !== undefined && <Notice tone="bad">{explain(volumes.error)}</Notice>}
      {volumes.loading && <Waiting />}
      {all?.length === 0 && <Welcome create={create} bring={bring} />}
      {all !== undefined && all.length > 0 && (
        <>
          <div className="title-row">
            <h1>Volumes</h1>
            <span className="title-actions">{bring}{create}</span>
          </div>
          <ul className="cards">
            {all.map((volume) => <VolumeCard key={volume.id} volume={volume} />)}
          </ul>
          <h2>Files on disk</h2>
          <p className="hint">
            Each is one SQLite file with one or more volumes. A download is a copy of its state at
            that moment, also while it is in use; encrypted volumes stay encrypted in it.
          </p>
          <FilesystemLines files={filesystems.data ?? []} />
        </>
      )}
      <input
        ref={picker}
        type="file"
        hidden
        aria-label="Filesystem to import"
        onChange={(event) => {
          for (const file of event.target.files ?? []) {
            enqueueImport(file, file.name.replace(/\.(db|sqlite3?|aloe(lite)?)$/i, ""));
          }
          event.target.value = "";
        }}
      />
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
    </div>
  );
}

function VolumeCard({ volume }: { volume: Volume }) {
  const Icon = volume.encrypted ? Lock : HardDrive;
  return (
    <li>
      <Link className="card volume-card" href={hrefOf(volumePlace(volume.id))}>
        <span className={volume.encrypted ? "volume-icon is-locked" : "volume-icon"}>
          <Icon size={20} strokeWidth={1.6} aria-hidden />
        </span>
        <span>
          <strong>{volume.name ?? "Unnamed"}</strong>
          <small>
            {volume.encrypted ? "Encrypted" : "Not encrypted"}
            {volume.mounted && ", mounted"}
          </small>
        </span>
      </Link>
    </li>
  );
}

function Welcome({ create, bring }: { create: React.ReactNode; bring: React.ReactNode }) {
  return (
    <section className="welcome">
      <h1>A filesystem in one file</h1>
      <p className="lead">
        A volume holds folders and files, like a disk does. Everything is in one ordinary file,
        which you can copy, back up and move.
      </p>
      <ul className="points">
        <li>
          <History size={22} strokeWidth={1.5} aria-hidden />
          <strong>Mistakes can be undone</strong>
          <span>Older versions are kept, and deleted items move to the trash.</span>
        </li>
        <li>
          <ShieldCheck size={22} strokeWidth={1.5} aria-hidden />
          <strong>Optional encryption</strong>
          <span>With a PIN that only you know, and that is stored nowhere.</span>
        </li>
        <li>
          <Layers size={22} strokeWidth={1.5} aria-hidden />
          <strong>Equal content, stored once</strong>
          <span>Copies take no space until one of them changes.</span>
        </li>
      </ul>
      <p className="welcome-actions">{create}{bring}</p>
    </section>
  );
}
