import { FilePlay, X } from "lucide-react";
import { useRef } from "react";
import { uploadUrl } from "../api/files.ts";
import type { Upload } from "../api/types.ts";
import { IconButton } from "../components/controls.tsx";
import { bytes, shortTime } from "../lib/format.ts";
import { baseName } from "../lib/paths.ts";
import { isSourceOf } from "../state/unfinished.ts";
import { showError } from "../state/toasts.ts";
import { abandon } from "../uploads/abandoned.ts";
import { resumeFromFile } from "../uploads/queue.ts";

/** Unfinished uploads; each can be resumed from its file, or discarded. */
export function UnfinishedLines(
  { volume, uploads }: { volume: string; uploads: readonly Upload[] },
) {
  const picker = useRef<HTMLInputElement>(null);

  const resume = (files: readonly File[]) => {
    const going = new Set<string>();
    for (const file of files) {
      const one = uploads.find((upload) => !going.has(upload.id) && isSourceOf(upload, file));
      if (one === undefined) {
        showError(new Error(`“${file.name}” is not the file of an unfinished upload`));
        continue;
      }
      going.add(one.id);
      resumeFromFile(volume, one.path, uploadUrl(volume, one.id), file);
    }
  };

  return (
    <>
      {uploads.map((upload) => {
        const name = baseName(upload.path);
        const { offset, length, active, created_at, modified_at } = upload;
        const whole = length === null ? "" : ` of ${bytes(length)}`;
        return (
          <li key={upload.id} className="transfer">
            <span className="line-name">
              <strong>{name}</strong>
              <small>
                {active
                  ? `in progress elsewhere: ${bytes(offset)}${whole}`
                  : `unfinished: ${bytes(offset)}${whole}, started ${shortTime(created_at)}`}
              </small>
            </span>
            {!active && modified_at !== null && (
              <IconButton
                label={`Resume ${name}: choose the file again`}
                onPress={() => picker.current?.click()}
              >
                <FilePlay size={16} aria-hidden />
              </IconButton>
            )}
            {!active && (
              <IconButton
                label={`Discard ${name}`}
                onPress={() => void abandon(uploadUrl(volume, upload.id))}
              >
                <X size={15} aria-hidden />
              </IconButton>
            )}
          </li>
        );
      })}
      <li hidden>
        <input
          ref={picker}
          type="file"
          multiple
          aria-label="File to resume"
          onChange={(event) => {
            resume([...event.target.files!]);
            event.target.value = "";
          }}
        />
      </li>
    </>
  );
}
