import {
  Archive,
  AudioLines,
  Cable,
  Cpu,
  File,
  FileCode,
  FileText,
  Film,
  Folder,
  Image,
  Link2,
  type LucideIcon,
  Plug,
} from "lucide-react";
import type { Kind } from "../lib/kinds.ts";

const ICONS: Record<Kind, LucideIcon> = {
  folder: Folder,
  link: Link2,
  image: Image,
  audio: AudioLines,
  video: Film,
  pdf: FileText,
  markdown: FileText,
  code: FileCode,
  text: FileText,
  archive: Archive,
  device: Cpu,
  fifo: Cable,
  socket: Plug,
  other: File,
};

export function KindIcon({ kind, size = 18 }: { kind: Kind; size?: number }) {
  const Icon = ICONS[kind];
  return <Icon className={`kind kind-${kind}`} size={size} strokeWidth={1.6} aria-hidden />;
}
