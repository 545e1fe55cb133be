import { X } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import { Dialog as AriaDialog, Form, Heading, Modal, ModalOverlay } from "react-aria-components";
import { explain } from "../lib/explain.ts";
import { Action, IconButton, Notice } from "./controls.tsx";

/** A modal dialog, open while it is rendered. */
export function Dialog(
  { title, onClose, children, wide = false }: {
    title: string;
    onClose: () => void;
    children: ReactNode;
    wide?: boolean;
  },
) {
  return (
    <ModalOverlay
      className="overlay"
      isOpen
      isDismissable
      onOpenChange={(open) => open || onClose()}
    >
      <Modal className={wide ? "modal modal-wide" : "modal"}>
        <AriaDialog className="dialog">
          <header className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <IconButton label="Close" onPress={onClose}>
              <X size={18} aria-hidden />
            </IconButton>
          </header>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

/**
 * A dialog with a form. It closes when the submitted operation succeeds, and
 * shows the error otherwise.
 */
export function FormDialog(
  { title, confirm, danger = false, disabled = false, wide, onSubmit, onClose, children }: {
    title: string;
    confirm: string;
    danger?: boolean;
    disabled?: boolean;
    wide?: boolean;
    onSubmit: () => Promise<unknown>;
    onClose: () => void;
    children: ReactNode;
  },
) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || disabled) return;
    setBusy(true);
    setError(null);
    try {
      await onSubmit();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose} wide={wide}>
      <Form onSubmit={submit} className="dialog-form" autoComplete="off">
        <div className="dialog-body">
          {children}
          {error !== null && <Notice tone="bad">{explain(error)}</Notice>}
        </div>
        <footer className="dialog-foot">
          <Action onPress={onClose}>Cancel</Action>
          <Action type="submit" tone={danger ? "danger" : "primary"} isDisabled={busy || disabled}>
            {busy ? "Working…" : confirm}
          </Action>
        </footer>
      </Form>
    </Dialog>
  );
}
