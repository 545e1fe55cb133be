/** A file to upload, with the folders that it was dropped in. */
export interface Incoming {
  file: File;
  /** Path relative to the folder of the drop. */
  relative: string;
}

/**
 * Returns all dropped files and folders with their content, empty folders
 * included.
 */
export async function dropped(
  transfer: DataTransfer,
): Promise<{ files: Incoming[]; folders: string[] }> {
  // The items become invalid at the event handler's first await.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const files: Incoming[] = [];
  const folders: string[] = [];
  const known = entries.filter((entry) => entry !== null);
  if (known.length === 0) {
    for (const file of transfer.files) files.push({ file, relative: file.name });
  }
  for (const entry of known) await walk(entry, "", files, folders);
  return { files, folders };
}

async function walk(
  entry: FileSystemEntry,
  above: string,
  files: Incoming[],
  folders: string[],
): Promise<void> {
  const relative = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject)
    );
    files.push({ file, relative });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  let empty = true;
  while (true) {
    // A reader returns at most 100 entries at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (some.length === 0) break;
    empty = false;
    for (const one of some) await walk(one, `${relative}/`, files, folders);
  }
  if (empty) folders.push(relative);
}

/**
 * Returns the files of a file picker; for a folder with their relative paths.
 */
export function picked(list: FileList): Incoming[] {
  return [...list].map((file) => ({ file, relative: file.webkitRelativePath || file.name }));
}
