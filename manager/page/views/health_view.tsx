import { CircleAlert, CircleCheck, CircleX, RefreshCw } from "lucide-react";
import { health } from "../api/system.ts";
import { Action, Notice, Waiting } from "../components/controls.tsx";
import { explain } from "../lib/explain.ts";
import { useResource } from "../state/resource.ts";

/**
 * Shows what the manager requires of its machine, with a remedy for each failed
 * check.
 */
export function HealthView() {
  const state = useResource("health", health);
  const checks = state.data?.checks ?? [];
  return (
    <div className="narrow">
      <div className="title-row">
        <h1>Health</h1>
        <Action onPress={state.reload}>
          <RefreshCw size={16} aria-hidden /> Check again
        </Action>
      </div>
      {state.loading && <Waiting label="Checking" />}
      {state.error !== undefined && <Notice tone="bad">{explain(state.error)}</Notice>}
      {state.data && (
        <p className="lead">
          {state.data.status === "ok"
            ? "All requirements of the manager are met."
            : "The manager runs, but some of its features do not work here."}
        </p>
      )}
      {checks.length > 0 && (
        <ul className="card checks">
          {checks.map((check) => (
            <li key={check.name}>
              {check.ok
                ? <CircleCheck className="good" size={20} aria-label="In order" />
                : check.fatal
                ? <CircleX className="bad" size={20} aria-label="Broken" />
                : <CircleAlert className="warn" size={20} aria-label="Missing" />}
              <div>
                <strong>{check.name.replaceAll("_", " ")}</strong>
                <p>{check.detail}</p>
                {!check.ok && check.remedy && <p className="remedy">{check.remedy}</p>}
              </div>
            </li>
          ))}
        </ul>
      )}
      <p className="hint">
        The API is described at <a href="/docs">/docs</a>; metrics for Prometheus are at{" "}
        <a href="/metrics">/metrics</a>.
      </p>
    </div>
  );
}
