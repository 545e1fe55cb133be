import { CircleAlert, X } from "lucide-react";
import {
  Button,
  Text,
  UNSTABLE_Toast as Toast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastRegion as ToastRegion,
} from "react-aria-components";
import { attempt, toasts } from "../state/toasts.ts";

/** Short messages: a finished operation with an undo action, or an error. */
export function Toasts() {
  return (
    <ToastRegion queue={toasts} className="toasts" aria-label="Messages">
      {({ toast }) => {
        const { tone, text, action } = toast.content;
        return (
          <Toast toast={toast} className={`toast toast-${tone}`}>
            {tone === "error" && <CircleAlert size={18} aria-hidden />}
            <ToastContent className="toast-text">
              <Text slot="title">{text}</Text>
            </ToastContent>
            {action && (
              <Button
                className="toast-action"
                aria-keyshortcuts={tone === "info" ? "Control+Z Meta+Z" : undefined}
                onPress={() => {
                  toasts.close(toast.key);
                  attempt(async () => await action.run());
                }}
              >
                {action.label}
              </Button>
            )}
            <Button slot="close" className="toast-close" aria-label="Dismiss">
              <X size={16} aria-hidden />
            </Button>
          </Toast>
        );
      }}
    </ToastRegion>
  );
}
