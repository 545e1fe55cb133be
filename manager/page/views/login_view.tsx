import { KeyRound } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Form } from "react-aria-components";
import { login } from "../api/system.ts";
import { ApiError } from "../api/problem.ts";
import { Action, Field } from "../components/controls.tsx";
import { explain } from "../lib/explain.ts";

/** Asks for the manager's token where it demands one. */
export function LoginView() {
  const [token, setToken] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await login(token.trim());
      location.reload();
    } catch (problem) {
      setError(
        problem instanceof ApiError && problem.status === 401
          ? "That is not the token."
          : explain(problem),
      );
    }
  };
  return (
    <main className="login">
      <div className="card login-card">
        <div className="empty-icon">
          <KeyRound size={26} strokeWidth={1.4} aria-hidden />
        </div>
        <h1>Sign in</h1>
        <p className="hint">
          This manager asks for its token: it was printed when the manager was started first, or set
          by whoever runs it.
        </p>
        <Form onSubmit={submit}>
          <Field
            label="Token"
            type="password"
            value={token}
            onChange={setToken}
            error={error}
            autoFocus
          />
          <Action type="submit" tone="primary" isDisabled={token.trim() === ""}>Sign in</Action>
        </Form>
      </div>
    </main>
  );
}
