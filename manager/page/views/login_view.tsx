import { KeyRound } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Dialog, Form, Heading, Modal, ModalOverlay } from "react-aria-components";
import { reportSignedIn } from "../api/connection.ts";
import { ApiError } from "../api/problem.ts";
import { login } from "../api/system.ts";
import { Action, Field } from "../components/controls.tsx";
import { explain } from "../lib/explain.ts";
import { useCatalog } from "../state/catalog.tsx";
import { connectFeed } from "../state/feed.ts";

/**
 * Asks for the manager's token. After the end of a login it covers the page, so
 * that typed text stays.
 */
export function LoginView() {
  const first = useCatalog().volumes.data === undefined;
  const [token, setToken] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await login(token.trim());
      reportSignedIn();
      connectFeed({ missed: true });
    } catch (problem) {
      setError(
        problem instanceof ApiError && problem.status === 401
          ? "This token is wrong."
          : explain(problem),
      );
    }
  };
  return (
    <ModalOverlay
      className={first ? "overlay login is-first" : "overlay login"}
      isOpen
      isKeyboardDismissDisabled
    >
      <Modal className="modal login-card">
        <Dialog className="dialog">
          <div className="empty-icon">
            <KeyRound size={26} strokeWidth={1.4} aria-hidden />
          </div>
          <Heading slot="title" level={1}>Sign in</Heading>
          <p className="hint">
            {first
              ? "This manager requires its token, which was printed at its first start or set by its operator."
              : "Your login has ended. Sign in again to continue; your unsaved text is kept."}
          </p>
          <Form onSubmit={submit}>
            <Field
              label="Token"
              type="password"
              value={token}
              onChange={(text) => {
                setToken(text);
                // A field that is marked as invalid would not be submitted.
                setError(null);
              }}
              error={error}
              autoFocus
            />
            <Action type="submit" tone="primary" isDisabled={token.trim() === ""}>Sign in</Action>
          </Form>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
