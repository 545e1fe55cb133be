import { UNSTABLE_ToastQueue as ToastQueue } from "react-aria-components";
import { isTransient } from "../api/connection.ts";
import { ApiError } from "../api/problem.ts";
import { explain } from "../lib/explain.ts";

export interface Message {
  tone: "info" | "error";
  text: string;
  action?: { label: string; run: () => void | Promise<void> };
}

export const toasts: ToastQueue<Message> = new ToastQueue<Message>({ maxVisibleToasts: 3 });

/**
 * Shows a success message. One with an undo action stays until another
 * operation begins, or it is dismissed.
 */
export function say(text: string, action?: Message["action"]): void {
  if (action === undefined) {
    toasts.add({ tone: "info", text }, { timeout: 5000 });
    return;
  }
  dropUndo();
  toasts.add({ tone: "info", text, action });
}

/**
 * Removes the undo action of the previous operation, because another one
 * begins.
 */
export function dropUndo(): void {
  for (const { key, content } of toasts.visibleToasts) {
    if (content.tone === "info" && content.action !== undefined) toasts.close(key);
  }
}

/**
 * Shows an error. Offers a retry if it may succeed after the user has fixed the
 * cause.
 */
export function showError(error: unknown, again?: () => Promise<unknown>): void {
  const mayHelp = again !== undefined &&
    (isTransient(error) || (error instanceof ApiError && error.status === 507));
  if (!mayHelp) {
    toasts.add({ tone: "error", text: explain(error) }, { timeout: 12_000 });
    return;
  }
  const action = { label: "Try again", run: async () => void await again() };
  toasts.add({ tone: "error", text: explain(error), action });
}

/** Undoes the last operation. @returns Whether there was one. */
export function undoLast(): boolean {
  const last = toasts.visibleToasts.find(({ content: { tone, action } }) =>
    tone === "info" && action !== undefined
  );
  if (last === undefined) return false;
  toasts.close(last.key);
  void attempt(async () => await last.content.action!.run());
  return true;
}

/** Runs an operation and shows its error. */
export async function attempt(task: () => Promise<unknown>): Promise<boolean> {
  try {
    await task();
    return true;
  } catch (error) {
    showError(error, task);
    return false;
  }
}
