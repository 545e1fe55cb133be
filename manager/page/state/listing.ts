import { useCallback, useEffect, useRef, useState } from "react";
import { withRetry } from "../api/connection.ts";
import { list } from "../api/files.ts";
import { isCancelled } from "../api/problem.ts";
import type { Entry } from "../api/types.ts";
import { useFeed } from "./feed.ts";

const FIRST_PAGE = 1000;
const PAGE = 10_000;

interface State {
  key: string;
  entries: Entry[];
  complete: boolean;
  error: unknown;
}

export interface FolderListing {
  entries: Entry[];
  /** Whether the last page was loaded. */
  complete: boolean;
  error: unknown;
  reload: () => void;
}

const NONE: Entry[] = [];

/**
 * Loads the entries of a folder: the first page at once, then the others, and
 * all again after changes.
 */
export function useListing(volume: string, path: string): FolderListing {
  const key = `${volume}:${path}`;
  const [state, setState] = useState<State>({ key, entries: NONE, complete: false, error: null });
  const [round, setRound] = useState(0);
  const shown = useRef(state);
  shown.current = state;

  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const again = shown.current.key === key && shown.current.complete;
    (async () => {
      let entries: Entry[] = [];
      let after: string | undefined;
      do {
        const limit = after === undefined && !again ? FIRST_PAGE : PAGE;
        const page = await withRetry(() => list(volume, path, { limit, after, signal }), signal);
        entries = entries.concat(page.entries.filter((entry) => entry.visible !== false));
        after = page.next ?? undefined;
        // Keep the shown entries until the new listing is complete or longer.
        const { key: of, entries: before } = shown.current;
        const more = of !== key || (!again && entries.length >= before.length);
        if (more || after === undefined) {
          setState({ key, entries, complete: after === undefined, error: null });
        }
      } while (after !== undefined);
    })().catch((error) => {
      if (signal.aborted || isCancelled(error)) return;
      setState({ key, entries: NONE, complete: true, error });
    });
    return () => abort.abort();
  }, [key, round]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  useFeed(volume, reload, state.entries.length > 5000 ? 1500 : 150);
  const mine = state.key === key;
  return {
    entries: mine ? state.entries : NONE,
    complete: mine && state.complete,
    error: mine ? state.error : null,
    reload,
  };
}
