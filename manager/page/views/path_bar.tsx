import type { DragEvent } from "react";
import { Breadcrumb, Breadcrumbs, Link } from "react-aria-components";
import { names } from "../lib/paths.ts";
import { folderPlace, hrefOf } from "../state/route.ts";

/**
 * The path from the top of the volume to the current folder; each step is a
 * drop target.
 */
export function PathBar(
  { title, path, onDrop }: {
    title: string;
    path: string;
    onDrop: (path: string, event: DragEvent) => void;
  },
) {
  const all = names(path);
  const steps = [
    { name: title, path: "/" },
    ...all.map((name, index) => ({ name, path: `/${all.slice(0, index + 1).join("/")}` })),
  ];
  return (
    <nav aria-label="Folder" className="path">
      <Breadcrumbs className="crumbs">
        {steps.map((step) => (
          <Breadcrumb key={step.path} id={step.path} className="crumb">
            <span
              className="crumb-drop"
              onDragOver={(event) => step.path !== path && event.preventDefault()}
              onDrop={(event) => step.path !== path && onDrop(step.path, event)}
            >
              <Link href={hrefOf(folderPlace(step.path))}>{step.name}</Link>
            </span>
          </Breadcrumb>
        ))}
      </Breadcrumbs>
    </nav>
  );
}
