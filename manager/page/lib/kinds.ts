import { extension } from "./paths.ts";

export type Kind =
  | "folder"
  | "link"
  | "image"
  | "audio"
  | "video"
  | "pdf"
  | "markdown"
  | "code"
  | "text"
  | "archive"
  | "device"
  | "fifo"
  | "socket"
  | "other";

const BY_EXTENSION = new Map<string, Kind>();

function of(kind: Kind, endings: string): void {
  for (const ending of endings.split(" ")) BY_EXTENSION.set(ending, kind);
}

of("image", "png jpg jpeg gif webp avif bmp ico svg");
of("audio", "mp3 m4a aac ogg oga opus flac wav weba");
of("video", "mp4 m4v webm mov mkv ogv");
of("pdf", "pdf");
of("markdown", "md markdown mdown");
of("text", "txt text log csv tsv srt vtt rst adoc org nfo gitignore env");
of("archive", "zip gz tgz bz2 xz zst tar 7z rar");
of(
  "code",
  "js mjs cjs jsx ts mts cts tsx json jsonc json5 html htm xhtml css scss sass less xml yaml yml " +
    "toml ini conf cfg properties sh bash zsh fish ps1 bat py pyi rb pl pm php java kt kts scala " +
    "c h cc cpp cxx hpp hh cs go rs swift dart lua r jl sql graphql proto diff patch dockerfile " +
    "makefile cmake gradle tex vue svelte hs ml mli ex exs erl clj lisp vim nix zig wat",
);

const BY_NAME = new Map<string, Kind>([
  ["dockerfile", "code"],
  ["makefile", "code"],
  ["readme", "text"],
  ["license", "text"],
  ["copying", "text"],
  ["changelog", "text"],
]);

/** The kind of a file, derived from its name. It selects icon and preview. */
export function kindOf(name: string, type: string): Kind {
  if (type === "directory") return "folder";
  if (type === "symlink") return "link";
  if (type === "device" || type === "fifo" || type === "socket") return type;
  if (type !== "file") return "other";
  return BY_EXTENSION.get(extension(name)) ?? BY_NAME.get(name.toLowerCase()) ?? "other";
}

const WORDS: Record<Kind, string> = {
  folder: "Folder",
  link: "Link",
  image: "Image",
  audio: "Audio",
  video: "Video",
  pdf: "PDF",
  markdown: "Markdown",
  code: "Code",
  text: "Text",
  archive: "Archive",
  device: "Device",
  fifo: "FIFO",
  socket: "Socket",
  other: "File",
};

export function kindWord(kind: Kind): string {
  return WORDS[kind];
}

/** Whether there is nothing to read: what it names is in the system that uses it. */
export function isSpecial(kind: Kind): boolean {
  return kind === "device" || kind === "fifo" || kind === "socket";
}

export function isText(kind: Kind): boolean {
  return kind === "markdown" || kind === "code" || kind === "text";
}
