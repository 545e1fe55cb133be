import { X } from "lucide-react";
import { ProgressBar } from "react-aria-components";
import type { Task } from "../api/types.ts";
import { IconButton } from "../components/controls.tsx";
import { count } from "../lib/format.ts";
import { baseName } from "../lib/paths.ts";
import { cancelTask } from "../state/tasks.ts";

const DOING: Record<Task["operation"], string> = {
  remove: "Moving to the trash",
  move: "Moving",
  copy: "Copying",
  restore: "Restoring",
  purge: "Deleting permanently",
  undo: "Undoing",
};

/** Descriptions of the operations of a task. */
export function doing({ operation, total, to }: Task): string {
  const where = to === null ? "" : ` to ${to === "/" ? "the top folder" : `“${baseName(to)}”`}`;
  return `${DOING[operation]}${total > 0 ? ` ${count(total, "item")}` : ""}${where}`;
}

/** Running tasks, each with a cancel button. */
export function TaskLines({ volume, tasks }: { volume: string; tasks: readonly Task[] }) {
  return tasks.map((task) => {
    const { id, processed, total, failed } = task;
    const name = doing(task);
    const percent = total === 0 ? 0 : (100 * processed) / total;
    return (
      <li key={id} className="transfer">
        <span className="line-name">
          <strong>{name}</strong>
          <small>
            {`${processed.toLocaleString("en")} of ${total.toLocaleString("en")}`}
            {failed > 0 && `, ${failed.toLocaleString("en")} failed`}
          </small>
        </span>
        <IconButton label={`Cancel: ${name}`} onPress={() => cancelTask(volume, id)}>
          <X size={15} aria-hidden />
        </IconButton>
        <ProgressBar aria-label={name} value={percent} className="progress">
          <span className="progress-done" style={{ width: `${percent}%` }} />
        </ProgressBar>
      </li>
    );
  });
}
