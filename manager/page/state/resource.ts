import { useCallback, useEffect, useRef, useState } from "react";
import { isCancelled } from "../api/problem.ts";

export interface Resource<T> {
  data: T | undefined;
  error: unknown;
  loading: boolean;
  reload: () => void;
}

/** What a request answers, asked again when its key changes. A null key asks nothing. */
export function useResource<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
): Resource<T> {
  const [state, setState] = useState<{ key: string | null; data?: T; error?: unknown }>({ key });
  const [round, setRound] = useState(0);
  const loader = useRef(load);
  loader.current = load;

  useEffect(() => {
    if (key === null) return;
    const abort = new AbortController();
    loader.current(abort.signal).then(
      (data) => abort.signal.aborted || setState({ key, data }),
      (error) => {
        if (abort.signal.aborted || isCancelled(error)) return;
        setState({ key, error });
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
