import { ChevronRight, Folder } from "lucide-react";
import { useEffect, useState } from "react";
import { Button, Collection, Tree, TreeItem, TreeItemContent } from "react-aria-components";
import { list } from "../api/files.ts";
import { explain } from "../lib/explain.ts";
import { baseName, join, names } from "../lib/paths.ts";

interface Branch {
  id: string;
  name: string;
  children: Branch[] | null;
}

async function folders(volume: string, path: string): Promise<Branch[]> {
  const found: Branch[] = [];
  let after: string | undefined;
  do {
    const page = await list(volume, path, { limit: 10_000, after });
    for (const entry of page.entries) {
      if (entry.type !== "directory" || entry.visible === false) continue;
      found.push({ id: join(path, entry.name), name: entry.name, children: null });
    }
    after = page.next ?? undefined;
  } while (after !== undefined);
  return found.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}

function withChildren(branches: Branch[], path: string, children: Branch[]): Branch[] {
  return branches.map((branch) => {
    if (branch.id === path) return { ...branch, children };
    if (branch.children === null) return branch;
    return { ...branch, children: withChildren(branch.children, path, children) };
  });
}

/** A tree for choosing a folder; each folder is loaded when it is expanded. */
export function FolderTree(
  { volume, title, chosen, forbidden, onChoose }: {
    volume: string;
    title: string;
    chosen: string;
    forbidden: ReadonlySet<string>;
    onChoose: (path: string) => void;
  },
) {
  const [top, setTop] = useState<Branch[]>([{ id: "/", name: title, children: null }]);
  const [expanded, setExpanded] = useState<Set<string>>(new Set());
  const [error, setError] = useState<unknown>(null);

  const expand = async (path: string) => {
    try {
      const children = await folders(volume, path);
      setTop((now) => withChildren(now, path, children));
      setExpanded((now) => new Set(now).add(path));
    } catch (problem) {
      setError(problem);
    }
  };

  useEffect(() => {
    // Expand down to the current folder.
    (async () => {
      await expand("/");
      let path = "/";
      for (const name of names(chosen)) {
        path = join(path, name);
        await expand(path);
      }
    })();
  }, [volume]);

  const item = (branch: Branch) => (
    <TreeItem
      key={branch.id}
      id={branch.id}
      textValue={branch.name || baseName(branch.id)}
      className="tree-item"
      hasChildItems={branch.children === null || branch.children.length > 0}
    >
      <TreeItemContent>
        {({ level }) => (
          <span className="tree-row" style={{ paddingInlineStart: `${(level - 1) * 20}px` }}>
            <Button slot="chevron" className="tree-chevron">
              <ChevronRight size={15} aria-hidden />
            </Button>
            <Folder size={17} strokeWidth={1.6} className="kind kind-folder" aria-hidden />
            <span>{branch.name}</span>
          </span>
        )}
      </TreeItemContent>
      <Collection items={branch.children ?? []}>{item}</Collection>
    </TreeItem>
  );

  return (
    <>
      <Tree
        aria-label="Folders"
        className="tree"
        items={top}
        selectionMode="single"
        selectionBehavior="replace"
        disallowEmptySelection
        disabledKeys={forbidden}
        disabledBehavior="all"
        selectedKeys={[chosen]}
        onSelectionChange={(keys) => {
          if (keys === "all") return;
          for (const key of keys) onChoose(String(key));
        }}
        expandedKeys={expanded}
        onExpandedChange={(keys) => {
          const next = new Set([...keys].map(String));
          for (const key of next) if (!expanded.has(key)) expand(key);
          setExpanded(next);
        }}
      >
        {item}
      </Tree>
      {error !== null && <p className="field-error">{explain(error)}</p>}
    </>
  );
}
