import { useEffect, useRef } from "react";
import { task as getTask, tasks } from "../api/tasks.ts";
import type { Task } from "../api/types.ts";
import { useFeed } from "./feed.ts";
import { useResource } from "./resource.ts";
import { isAwaited, reportTask } from "./tasks.ts";

const NONE: readonly Task[] = [];

/**
 * Shows the running tasks of a volume, whoever began them, and reports their
 * results.
 */
export function useRunningTasks(volume: string | null): readonly Task[] {
  const state = useResource(
    volume === null ? null : `tasks:${volume}`,
    (signal) => tasks(volume!, signal),
  );
  useFeed(volume, state.reload, 250, "task");
  const running = (volume === null ? undefined : state.data)
    ?.filter((task) => task.state === "running") ?? NONE;
  // A task of an earlier visit that was seen running here has ended.
  const seen = useRef(new Set<string>());
  useEffect(() => {
    for (const task of state.data ?? NONE) {
      if (task.state === "running") {
        if (!isAwaited(task.id)) seen.current.add(task.id);
      } else if (seen.current.delete(task.id) && !isAwaited(task.id) && volume !== null) {
        getTask(volume, task.id).then((whole) => reportTask(volume, whole), () => {});
      }
    }
  }, [state.data]);
  return running;
}
