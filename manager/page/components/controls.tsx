import type { ReactNode } from "react";
import {
  Button,
  type ButtonProps,
  FieldError,
  Input,
  Label,
  Text,
  TextField,
  type TextFieldProps,
  Tooltip,
  TooltipTrigger,
} from "react-aria-components";

type Tone = "primary" | "quiet" | "plain" | "danger";

export function Action(
  { tone = "plain", className = "", ...props }:
    & Omit<ButtonProps, "className">
    & { tone?: Tone; className?: string; "data-focus-home"?: boolean },
) {
  return <Button {...props} className={`button button-${tone} ${className}`} />;
}

/** An icon button; its label is also its tooltip. */
export function IconButton(
  { label, children, className = "", ...props }:
    & Omit<ButtonProps, "className" | "children">
    & { label: string; children: ReactNode; className?: string },
) {
  return (
    <TooltipTrigger delay={500}>
      <Button {...props} aria-label={label} className={`icon-button ${className}`}>
        {children}
      </Button>
      <Tooltip className="tooltip" offset={6}>{label}</Tooltip>
    </TooltipTrigger>
  );
}

export function Field(
  { label, hint, error, ...props }:
    & TextFieldProps
    & { label: string; hint?: ReactNode; error?: string | null },
) {
  return (
    <TextField {...props} isInvalid={Boolean(error)} className="field">
      <Label>{label}</Label>
      <Input />
      {hint && <Text slot="description" className="hint">{hint}</Text>}
      <FieldError className="field-error">{error}</FieldError>
    </TextField>
  );
}

/** Shown in an empty view: its purpose, and what to do. */
export function Empty(
  { icon, title, children, action }: {
    icon: ReactNode;
    title: string;
    children?: ReactNode;
    action?: ReactNode;
  },
) {
  return (
    <div className="empty">
      <div className="empty-icon">{icon}</div>
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {action && <div className="empty-action">{action}</div>}
    </div>
  );
}

export function Notice({ tone, children }: { tone: "warn" | "bad" | "info"; children: ReactNode }) {
  return (
    <div className={`notice notice-${tone}`} role={tone === "bad" ? "alert" : undefined}>
      {children}
    </div>
  );
}

export function Waiting({ label = "Loading" }: { label?: string }) {
  return (
    <div className="waiting" role="status">
      <span className="spinner" aria-hidden />
      <span>{label}…</span>
    </div>
  );
}
