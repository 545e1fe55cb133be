import { Component, type ReactNode } from "react";
import { Action, Notice } from "./controls.tsx";

/** Contains the error of one part of the page, so that the other parts stay. */
export class Boundary extends Component<{ children: ReactNode }, { fault: unknown }> {
  override state: { fault: unknown } = { fault: null };

  static getDerivedStateFromError(fault: unknown): { fault: unknown } {
    return { fault: fault ?? "unknown" };
  }

  override render(): ReactNode {
    if (this.state.fault === null) return this.props.children;
    return (
      <Notice tone="bad">
        This part of the page could not be shown. If trying again does not help, reload the page:
        the manager may have a newer one.
        <span className="actions">
          <Action onPress={() => this.setState({ fault: null })}>Try again</Action>
        </span>
      </Notice>
    );
  }
}
