import { CloudOff } from "lucide-react";
import { tryNow } from "../api/connection.ts";
import { useTrouble } from "../state/trouble.ts";

/** Says that the manager cannot be reached, above everything else that is shown. */
export function ConnectionNote() {
  const { unreachable } = useTrouble();
  return (
    // Dialogs hide the rest of the page from screen readers, but not what is marked so.
    <div className="connection" role="status" data-react-aria-top-layer="true">
      {unreachable && (
        <div className="connection-note">
          <CloudOff size={17} aria-hidden />
          <span>The manager is not reachable, trying again…</span>
          <button type="button" onClick={tryNow}>Try now</button>
        </div>
      )}
    </div>
  );
}
