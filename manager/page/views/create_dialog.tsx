import { useState } from "react";
import {
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Select,
  SelectValue,
  Switch,
} from "react-aria-components";
import { Button } from "react-aria-components";
import { ChevronDown } from "lucide-react";
import { createVolume } from "../api/volumes.ts";
import { Field, Notice } from "../components/controls.tsx";
import { FormDialog } from "../components/dialog.tsx";
import { useCatalog } from "../state/catalog.tsx";
import { openVolume } from "../state/route.ts";

/** Creates a volume, and explains a PIN before one is chosen. */
export function CreateDialog({ onClose }: { onClose: () => void }) {
  const catalog = useCatalog();
  const [name, setName] = useState("");
  const [encrypted, setEncrypted] = useState(false);
  const [pin, setPin] = useState("");
  const [again, setAgain] = useState("");
  const [file, setFile] = useState("new");
  const differs = again !== "" && again !== pin;
  const files = catalog.filesystems.data ?? [];
  const places = [
    { id: "new", name: "A new file" },
    ...files.map(({ id, name }) => ({ id, name: `The file “${name}”, with its other volumes` })),
  ];
  return (
    <FormDialog
      title="New volume"
      confirm="Create volume"
      disabled={name.trim() === "" || (encrypted && (pin === "" || pin !== again))}
      onClose={onClose}
      onSubmit={async () => {
        const { id } = await createVolume({
          name: name.trim(),
          encrypted,
          ...(encrypted ? { pin } : {}),
          ...(file === "new" ? {} : { fs_id: file }),
        });
        catalog.reload();
        openVolume(id);
      }}
    >
      <Field
        label="Name"
        value={name}
        onChange={setName}
        autoFocus
        hint="For example Photos or Work."
      />
      <Switch isSelected={encrypted} onChange={setEncrypted} className="switch">
        <span className="switch-track" aria-hidden>
          <span className="switch-knob" />
        </span>
        <span>
          <strong>Encrypt the volume</strong>
          <small>Its content can only be read with its PIN.</small>
        </span>
      </Switch>
      {encrypted && (
        <div className="group">
          <Field label="PIN" type="password" value={pin} onChange={setPin} />
          <Field
            label="Repeat PIN"
            type="password"
            value={again}
            onChange={setAgain}
            error={differs ? "The PINs are different." : null}
          />
          <Notice tone="warn">
            Any text works; a long one is harder to guess. The PIN is stored nowhere:{" "}
            <strong>without it, nobody can recover the content.</strong>
          </Notice>
        </div>
      )}
      {files.length > 0 && (
        <Select
          className="field"
          selectedKey={file}
          onSelectionChange={(key) => setFile(String(key))}
        >
          <Label>Store in</Label>
          <Button className="select">
            <SelectValue />
            <ChevronDown size={16} aria-hidden />
          </Button>
          <Popover className="popover">
            <ListBox items={places} className="menu">
              {(place) => <ListBoxItem className="menu-item">{place.name}</ListBoxItem>}
            </ListBox>
          </Popover>
        </Select>
      )}
    </FormDialog>
  );
}
