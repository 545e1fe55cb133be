import { CloudOff } from "lucide-react";
import { retryNow } from "../api/connection.ts";
import { useTrouble } from "../state/trouble.ts";

/** Shows above all content that the manager is unreachable. */
export function ConnectionNote() {
  const { unreachable } = useTrouble();
  return (
    // A dialog hides the page from screen readers, except elements marked like
    // this.
    <div className="connection" role="status" data-react-aria-top-layer="true">
      {unreachable && (
        <div className="connection-note">
          <CloudOff size={17} aria-hidden />
          <span>The manager is not reachable, trying again…</span>
          <button type="button" onClick={retryNow}>Try now</button>
        </div>
      )}
    </div>
  );
}
