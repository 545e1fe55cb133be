import { UNSTABLE_ToastQueue as ToastQueue } from "react-aria-components";
import { explain } from "../lib/explain.ts";

export interface Message {
  tone: "info" | "error";
  text: string;
  action?: { label: string; run: () => void | Promise<void> };
}

export const toasts: ToastQueue<Message> = new ToastQueue<Message>({ maxVisibleToasts: 3 });

export function say(text: string, action?: Message["action"]): void {
  toasts.add({ tone: "info", text, action }, { timeout: action ? 10_000 : 5000 });
}

export function complain(error: unknown): void {
  toasts.add({ tone: "error", text: explain(error) }, { timeout: 12_000 });
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
