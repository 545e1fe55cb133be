import { useState } from "react";
import { changePin, renameVolume, unlock } from "../api/volumes.ts";
import type { Volume } from "../api/types.ts";
import { Field } from "../components/controls.tsx";
import { FormDialog } from "../components/dialog.tsx";
import { say } from "../state/toasts.ts";

interface Props {
  volume: Volume;
  onClose: () => void;
}

export function UnlockDialog({ volume, onClose, onDone }: Props & { onDone: () => void }) {
  const [pin, setPin] = useState("");
  return (
    <FormDialog
      title={`Unlock ${volume.name ?? "volume"}`}
      confirm="Unlock"
      disabled={pin === ""}
      onClose={onClose}
      onSubmit={async () => {
        await unlock(volume.id, pin);
        onDone();
      }}
    >
      <Field label="PIN" type="password" value={pin} onChange={setPin} autoFocus />
    </FormDialog>
  );
}

export function ChangePinDialog({ volume, onClose }: Props) {
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const [again, setAgain] = useState("");
  const differs = again !== "" && again !== fresh;
  return (
    <FormDialog
      title="Change PIN"
      confirm="Change PIN"
      disabled={old === "" || fresh === "" || again !== fresh}
      onClose={onClose}
      onSubmit={async () => {
        await changePin(volume.id, old, fresh);
        say("PIN changed");
      }}
    >
      <Field label="Current PIN" type="password" value={old} onChange={setOld} autoFocus />
      <Field label="New PIN" type="password" value={fresh} onChange={setFresh} />
      <Field
        label="Repeat new PIN"
        type="password"
        value={again}
        onChange={setAgain}
        error={differs ? "The PINs are different." : null}
      />
    </FormDialog>
  );
}

export function RenameVolumeDialog({ volume, onClose, onDone }: Props & { onDone: () => void }) {
  const [name, setName] = useState(volume.name ?? "");
  return (
    <FormDialog
      title="Rename volume"
      confirm="Rename"
      disabled={name === "" || name === volume.name}
      onClose={onClose}
      onSubmit={async () => {
        await renameVolume(volume.id, name);
        onDone();
      }}
    >
      <Field label="Name" value={name} onChange={setName} autoFocus />
    </FormDialog>
  );
}
