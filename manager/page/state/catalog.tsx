import { createContext, type ReactNode, useContext } from "react";
import { filesystems } from "../api/filesystems.ts";
import type { Filesystem, Volume } from "../api/types.ts";
import { volumes } from "../api/volumes.ts";
import { useFeed } from "./feed.ts";
import { type Resource, useResource } from "./resource.ts";

export interface Catalog {
  volumes: Resource<Volume[]>;
  filesystems: Resource<Filesystem[]>;
  reload: () => void;
}

const Context = createContext<Catalog | null>(null);

/**
 * Provides the manager's volumes and filesystems, and keeps them up to date.
 */
export function CatalogProvider({ children }: { children: ReactNode }) {
  const all = useResource("volumes", volumes);
  const files = useResource("filesystems", filesystems);
  const reload = () => {
    all.reload();
    files.reload();
  };
  useFeed(null, reload, 800);
  return <Context value={{ volumes: all, filesystems: files, reload }}>{children}</Context>;
}

export function useCatalog(): Catalog {
  const catalog = useContext(Context);
  if (catalog === null) throw new Error("outside of the catalog");
  return catalog;
}
