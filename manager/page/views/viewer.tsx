import { ChevronLeft, Download, History, Info, X } from "lucide-react";
import { type ReactNode, Suspense, useEffect, useState } from "react";
import { Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { fileUrl, node } from "../api/files.ts";
import type { NodeFacts, Volume } from "../api/types.ts";
import { Boundary } from "../components/boundary.tsx";
import { Action, Empty, IconButton, Notice, Waiting } from "../components/controls.tsx";
import { KindIcon } from "../components/icons.tsx";
import { explain } from "../lib/explain.ts";
import { bytes, longTime } from "../lib/format.ts";
import { isSpecial, isText, type Kind, kindOf, kindWord } from "../lib/kinds.ts";
import { lazily } from "../lib/lazily.ts";
import { baseName, parent } from "../lib/paths.ts";
import { useFeed } from "../state/feed.ts";
import { useResource } from "../state/resource.ts";
import { navigate, useRoute } from "../state/route.ts";
import { leave } from "../state/unsaved.ts";
import { save } from "./file_actions.tsx";
import { TextView } from "./text_view.tsx";
import { UnsavedDialog } from "./unsaved_dialog.tsx";
import { VersionsPanel } from "./versions_panel.tsx";

const Pdf = lazily(() => import("../preview/pdf.tsx"));

/** Size limit of the text editor, bytes. */
const MAX_TEXT_BYTES = 4_000_000;

/**
 * A file over the whole page: shown, played or edited, with its versions beside
 * it.
 */
export function Viewer(
  { volume, path, locked, onUnlock }: {
    volume: Volume;
    path: string;
    /** Whether the volume was locked after the file was opened. */
    locked: boolean;
    onUnlock: () => void;
  },
) {
  const { panel } = useRoute();
  const facts = useResource(`node:${volume.id}:${path}`, (signal) => node(volume.id, path, signal));
  const [version, setVersion] = useState<number | null>(null);
  const [dirty, setDirty] = useState(false);
  const name = baseName(path);
  const kind = kindOf(name, facts.data?.type ?? "file");
  useFeed(volume.id, facts.reload, 400);

  const close = () => navigate({ open: null, panel: null });
  const toggle = (which: "versions" | "details") =>
    navigate({ panel: panel === which ? null : which }, { replace: true });

  // Ask before the browser leaves the page, too.
  useEffect(() => {
    if (!dirty) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [dirty]);

  const shown = version ?? undefined;
  return (
    <ModalOverlay
      className="viewer-overlay"
      isOpen
      onOpenChange={(open) => open || close()}
    >
      <Modal className="viewer-modal">
        <Dialog className="viewer">
          <UnsavedDialog />
          <header className="viewer-head">
            <IconButton label="Back to the folder" onPress={close}>
              <ChevronLeft size={20} aria-hidden />
            </IconButton>
            <KindIcon kind={kind} size={20} />
            <Heading slot="title" className="viewer-name">{name}</Heading>
            {version !== null && (
              <Action onPress={() => setVersion(null)}>Version {version}: show the current</Action>
            )}
            <span className="viewer-actions">
              {!isSpecial(kind) && (
                <>
                  <IconButton
                    label="Download"
                    onPress={() =>
                      save(fileUrl(volume.id, path, { version: shown, download: true }))}
                  >
                    <Download size={18} aria-hidden />
                  </IconButton>
                  <IconButton label="Versions" onPress={() => toggle("versions")}>
                    <History size={18} aria-hidden />
                  </IconButton>
                </>
              )}
              <IconButton label="Details" onPress={() => toggle("details")}>
                <Info size={18} aria-hidden />
              </IconButton>
              <IconButton label="Close" onPress={close}>
                <X size={19} aria-hidden />
              </IconButton>
            </span>
          </header>
          <div className="viewer-main">
            <div className="viewer-body">
              {facts.error !== undefined && (
                <Notice tone="bad">
                  {explain(facts.error)}
                  {dirty && " Your unsaved text is still here: saving it creates the file again."}
                </Notice>
              )}
              {locked && (
                <Notice tone="warn">
                  {volume.name ?? "The volume"} is locked. Your unsaved text is still here.
                  <span className="actions">
                    <Action tone="primary" onPress={onUnlock}>Unlock</Action>
                  </span>
                </Notice>
              )}
              {facts.loading && <Waiting />}
              {facts.data && (facts.error === undefined || dirty) && (
                <Boundary>
                  <Suspense fallback={<Waiting />}>
                    <Content
                      volume={volume}
                      path={path}
                      kind={kind}
                      facts={facts.data}
                      version={version}
                      onDirty={setDirty}
                    />
                  </Suspense>
                </Boundary>
              )}
            </div>
            {panel === "versions" && (
              <aside className="panel" aria-label="Versions">
                <VersionsPanel
                  volume={volume}
                  path={path}
                  shown={version}
                  onShow={(chosen) => chosen === version || leave(() => setVersion(chosen))}
                />
              </aside>
            )}
            {panel === "details" && facts.data && (
              <aside className="panel" aria-label="Details">
                <Details path={path} kind={kind} facts={facts.data} />
              </aside>
            )}
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

function Content(
  { volume, path, kind, facts, version, onDirty }: {
    volume: Volume;
    path: string;
    kind: Kind;
    facts: NodeFacts;
    version: number | null;
    onDirty: (dirty: boolean) => void;
  },
): ReactNode {
  const [asText, setAsText] = useState(false);
  const name = baseName(path);
  // Each version has its own address, so that the browser's cache does not mix
  // them.
  const url = fileUrl(volume.id, path, { version: version ?? facts.version ?? undefined });
  if (isText(kind) || asText) {
    if (facts.size > MAX_TEXT_BYTES) {
      return <Other volume={volume} path={path} reason="It is too large to be shown as text." />;
    }
    return (
      <TextView
        key={version ?? "now"}
        volume={volume}
        path={path}
        node={facts.id}
        markdown={kind === "markdown"}
        version={version}
        newest={facts.version}
        onDirty={onDirty}
      />
    );
  }
  if (isSpecial(kind)) {
    return (
      <Empty icon={<KindIcon kind={kind} size={26} />} title={name}>
        {`A ${kindWord(kind)}: there is nothing in it to be shown or downloaded.`}
      </Empty>
    );
  }
  switch (kind) {
    case "image":
      return <img className="picture" src={url} alt={name} />;
    case "audio":
      return <audio className="sound" src={url} controls aria-label={name} />;
    case "video":
      return <video className="film" src={url} controls playsInline aria-label={name} />;
    case "pdf":
      return <Pdf url={url} name={name} />;
    default:
      return (
        <Other volume={volume} path={path} reason="There is no preview for files of this kind.">
          {facts.type === "file" && facts.size <= MAX_TEXT_BYTES && (
            <Action onPress={() => setAsText(true)}>Show as text</Action>
          )}
        </Other>
      );
  }
}

function Other(
  { volume, path, reason, children }: {
    volume: Volume;
    path: string;
    reason: string;
    children?: ReactNode;
  },
) {
  return (
    <Empty
      icon={<KindIcon kind="other" size={26} />}
      title={baseName(path)}
      action={
        <>
          <Action
            tone="primary"
            onPress={() => save(fileUrl(volume.id, path, { download: true }))}
          >
            <Download size={16} aria-hidden /> Download
          </Action>
          {children}
        </>
      }
    >
      {reason}
    </Empty>
  );
}

function Details({ path, kind, facts }: { path: string; kind: Kind; facts: NodeFacts }) {
  const rows: [string, ReactNode][] = [
    ["Kind", kindWord(kind)],
    ...(facts.device === undefined ? [] : [[
      "Device",
      `${facts.device.kind} ${facts.device.major}:${facts.device.minor}`,
    ] as [string, ReactNode]]),
    ["Folder", parent(path)],
    ["Size", `${bytes(facts.size)} (${facts.size.toLocaleString("en")})`],
    ["Modified", longTime(facts.modified_at)],
    ["Created", longTime(facts.created_at)],
    ["Version", facts.version ?? "—"],
  ];
  return (
    <>
      <h3>Details</h3>
      <dl className="facts is-list">
        {rows.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
