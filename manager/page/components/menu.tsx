import { type ReactNode, useRef } from "react";
import { Menu, MenuItem, MenuTrigger, Popover, Separator } from "react-aria-components";

export interface Choice {
  id: string;
  label: string;
  icon?: ReactNode;
  keys?: string;
  danger?: boolean;
  run: () => void;
}

export type Choices = readonly (Choice | null)[];

function Items(
  { label, choices, onClose }: { label: string; choices: Choices; onClose?: () => void },
) {
  return (
    <Menu
      className="menu"
      aria-label={label}
      autoFocus="first"
      onClose={onClose}
      onAction={(id) => choices.find((choice) => choice?.id === id)?.run()}
    >
      {choices.map((choice, index) =>
        choice === null ? <Separator key={index} className="menu-line" /> : (
          <MenuItem
            key={choice.id}
            id={choice.id}
            textValue={choice.label}
            className={choice.danger ? "menu-item menu-danger" : "menu-item"}
          >
            <span className="menu-icon">{choice.icon}</span>
            <span>{choice.label}</span>
            {choice.keys && <kbd>{choice.keys}</kbd>}
          </MenuItem>
        )
      )}
    </Menu>
  );
}

/** A button with a menu. */
export function MenuButton(
  { label, children, choices }: { label: string; children: ReactNode; choices: Choices },
) {
  return (
    <MenuTrigger>
      {children}
      <Popover className="popover" placement="bottom end" aria-label={label}>
        <Items label={label} choices={choices} />
      </Popover>
    </MenuTrigger>
  );
}

/** A context menu at the position of the pointer. */
export function MenuAt(
  { label, x, y, choices, onClose }: {
    label: string;
    x: number;
    y: number;
    choices: Choices;
    onClose: () => void;
  },
) {
  const anchor = useRef<HTMLSpanElement>(null);
  return (
    <>
      <span ref={anchor} className="menu-anchor" style={{ left: x, top: y }} />
      <Popover
        className="popover"
        aria-label={label}
        triggerRef={anchor}
        isOpen
        onOpenChange={(open) => open || onClose()}
        placement="bottom start"
        offset={2}
      >
        <Items label={label} choices={choices} onClose={onClose} />
      </Popover>
    </>
  );
}
