import { UNSTABLE_ToastQueue as ToastQueue } from "react-aria-components";
import { explain } from "../lib/explain.ts";

export interface Message {
  tone: "info" | "error";
  text: string;
  action?: { label: string; run: () => void | Promise<void> };
}

export const toasts: ToastQueue<Message> = new ToastQueue<Message>({ maxVisibleToasts: 3 });

/** Says what was done. What can be undone stays until something else is done, or it is dismissed. */
export function say(text: string, action?: Message["action"]): void {
  if (action === undefined) {
    toasts.add({ tone: "info", text }, { timeout: 5000 });
    return;
  }
  for (const { key, content } of toasts.visibleToasts) {
    if (content.tone === "info" && content.action !== undefined) toasts.close(key);
  }
  toasts.add({ tone: "info", text, action });
}

export function complain(error: unknown): void {
  toasts.add({ tone: "error", text: explain(error) }, { timeout: 12_000 });
}

/** Undoes what was done last. @returns Whether there was something. */
export function undoLast(): boolean {
  const last = toasts.visibleToasts.find(({ content: { tone, action } }) =>
    tone === "info" && action !== undefined
  );
  if (last === undefined) return false;
  toasts.close(last.key);
  void attempt(async () => await last.content.action!.run());
  return true;
}

/** Does something; says in words what went wrong with it. */
export async function attempt(task: () => Promise<unknown>): Promise<boolean> {
  try {
    await task();
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}
