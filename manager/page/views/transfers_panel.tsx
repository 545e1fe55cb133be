import { ChevronDown, ChevronUp, Pause, Play, X } from "lucide-react";
import { useEffect, useState } from "react";
import { ProgressBar } from "react-aria-components";
import { IconButton } from "../components/controls.tsx";
import { bytes, count } from "../lib/format.ts";
import { baseName } from "../lib/paths.ts";
import { useRoute } from "../state/route.ts";
import { useRunningTasks } from "../state/running_tasks.ts";
import { useUnfinished } from "../state/unfinished.ts";
import {
  cancelTransfer,
  clearFinished,
  isResumable,
  pauseTransfer,
  resumeTransfer,
  type Transfer,
  useTransfers,
} from "../uploads/queue.ts";
import { doing, TaskLines } from "./task_lines.tsx";
import { UnfinishedLines } from "./unfinished_lines.tsx";

const SHOWN = 60;

/** Running uploads, each with a cancel button. */
export function TransfersPanel() {
  const transfers = useTransfers();
  const { volume } = useRoute();
  const unfinished = useUnfinished(volume || null);
  const tasks = useRunningTasks(volume || null);
  const [folded, setFolded] = useState(false);
  const going = transfers.filter(({ state }) => state !== "done" && state !== "failed");
  const failed = transfers.filter(({ state }) => state === "failed");
  const busy = going.length > 0;

  // Closing the page would interrupt running uploads.
  useEffect(() => {
    if (!busy) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [busy]);

  if (transfers.length === 0 && unfinished.length === 0 && tasks.length === 0) return null;
  const total = transfers.reduce((sum, one) => sum + one.file.size, 0);
  const sent = transfers.reduce((sum, one) => sum + one.sent, 0);
  // Show failed and waiting uploads first.
  const shown = [...failed, ...going, ...transfers.filter(({ state }) => state === "done")];
  const title = tasks.length > 0
    ? tasks.length === 1 ? doing(tasks[0]) : `${count(tasks.length, "task")} running`
    : busy
    ? `Uploading ${count(going.length, "file")}`
    : failed.length > 0
    ? `${count(failed.length, "file")} not uploaded`
    : transfers.length > 0
    ? `${count(transfers.length, "file")} uploaded`
    : `${count(unfinished.length, "unfinished upload")}`;
  return (
    <section className="transfers" aria-label="Transfers">
      <header>
        <strong role="status">{title}</strong>
        <IconButton
          label={folded ? "Show transfers" : "Hide transfers"}
          onPress={() => setFolded(!folded)}
        >
          {folded ? <ChevronUp size={17} aria-hidden /> : <ChevronDown size={17} aria-hidden />}
        </IconButton>
        {transfers.length > 0 && (
          <IconButton
            label={busy ? "Cancel all" : "Close"}
            onPress={() => {
              for (const one of [...going, ...failed]) cancelTransfer(one.id);
              clearFinished();
            }}
          >
            <X size={17} aria-hidden />
          </IconButton>
        )}
      </header>
      {busy && <Bar label="All" value={sent} of={total} />}
      {!folded && (
        <ul>
          {volume && <TaskLines volume={volume} tasks={tasks} />}
          {shown.slice(0, SHOWN).map((one) => <Line key={one.id} transfer={one} />)}
          {shown.length > SHOWN && <li className="hint">and {shown.length - SHOWN} more</li>}
          {volume && <UnfinishedLines volume={volume} uploads={unfinished} />}
        </ul>
      )}
    </section>
  );
}

function Line({ transfer }: { transfer: Transfer }) {
  const { id, path, file, sent, state, error } = transfer;
  const name = baseName(path) || path;
  const words: Record<Transfer["state"], string> = {
    waiting: "waiting",
    running: `${bytes(sent)} of ${bytes(file.size)}`,
    stalled: "not reachable, trying again",
    asking: "its name is taken",
    paused: `paused at ${bytes(sent)} of ${bytes(file.size)}`,
    done: [bytes(file.size), transfer.note].filter(Boolean).join(", "),
    failed: error ?? "failed",
  };
  return (
    <li className={`transfer is-${state}`}>
      <span className="line-name">
        <strong>{name}</strong>
        <small>{words[state]}</small>
      </span>
      {state === "running" && isResumable(transfer) && (
        <IconButton
          label={`Pause ${name}`}
          onPress={() => pauseTransfer(id)}
        >
          <Pause size={15} aria-hidden />
        </IconButton>
      )}
      {(state === "paused" || state === "failed") && (
        <IconButton
          label={state === "paused" ? `Resume ${name}` : `Try ${name} again`}
          onPress={() => resumeTransfer(id)}
        >
          <Play size={15} aria-hidden />
        </IconButton>
      )}
      {state !== "done" && (
        <IconButton label={`Cancel ${name}`} onPress={() => cancelTransfer(id)}>
          <X size={15} aria-hidden />
        </IconButton>
      )}
      {(state === "running" || state === "stalled") && (
        <Bar label={name} value={sent} of={file.size} />
      )}
    </li>
  );
}

function Bar({ label, value, of }: { label: string; value: number; of: number }) {
  const percent = of === 0 ? 100 : (100 * value) / of;
  return (
    <ProgressBar aria-label={label} value={percent} className="progress">
      <span className="progress-done" style={{ width: `${percent}%` }} />
    </ProgressBar>
  );
}
