import { useCallback, useEffect, useRef, useState } from "react";
import { isCancelled } from "../api/problem.ts";
import { withRetry } from "../api/connection.ts";

export interface Resource<T> {
  /** The last value, also during a reload and after a failed one. */
  data: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => void;
}

interface State<T> {
  key: string | null;
  data?: T;
  error?: unknown;
}

/**
 * Loads a value, again when its key changes. A null key loads nothing. The
 * value stays while the manager is unreachable.
 */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
): Resource<T> {
  const [state, setState] = useState<State<T>>({ key });
  const [round, setRound] = useState(0);
  const loader = useRef(load);
  loader.current = load;

  useEffect(() => {
    if (key === null) return;
    const abort = new AbortController();
    withRetry(() => loader.current(abort.signal), abort.signal).then(
      (data) => abort.signal.aborted || setState({ key, data }),
      (error) => {
        if (abort.signal.aborted || isCancelled(error)) return;
        setState((now) => now.key === key ? { ...now, error } : { key, error });
      },
    );
    return () => abort.abort();
  }, [key, round]);

  const reload = useCallback(() => setRound((n) => n + 1), []);
  const mine = state.key === key;
  return {
    data: mine ? state.data : undefined,
    error: mine ? state.error : undefined,
    loading: key !== null && (!mine || (state.data === undefined && state.error === undefined)),
    reload,
  };
}
