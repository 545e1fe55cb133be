import { useSyncExternalStore } from "react";
import { currentTrouble, type Trouble, whenTroubleChanges } from "../api/connection.ts";

/** The reason why requests to the manager wait, for components. */
export function useTrouble(): Trouble {
  return useSyncExternalStore(whenTroubleChanges, currentTrouble);
}

/** Whether a volume waits for its PIN. */
export function useLocked(volume: string): boolean {
  return useTrouble().locked.has(volume);
}
