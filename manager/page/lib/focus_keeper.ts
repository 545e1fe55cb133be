/**
 * The last focused element and its position, for the case that it disappears.
 */
interface Held {
  element: Element;
  /** Its ancestors, nearest first. */
  above: Element[];
  /** Its index in a list, and among the focusable elements of its row. */
  line: { list: Element; index: number; control: number } | null;
}

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]), [tabindex]";
/** Selector of an element that gets the focus when nothing else can. */
const HOME = "[data-focus-home]";
/**
 * Time for other code, such as a closing dialog, to move the focus first, ms.
 */
const SETTLE_MS = 80;

/**
 * Keeps the keyboard focus on the page: when the focused element disappears or
 * becomes disabled, moves the focus to the element that takes its place.
 */
export function keepFocus(): void {
  let held: Held | null = null;
  let timer: number | undefined;

  /** Whether the focus is on the main part, the last resort. */
  let provisional = false;

  const check = () => {
    timer = undefined;
    const { activeElement } = document;
    const main = document.getElementById("main");
    if (provisional && activeElement === main) {
      const home = main?.querySelector(HOME);
      if (home instanceof HTMLElement && canFocus(home)) home.focus();
      return;
    }
    if (held === null || (activeElement !== null && activeElement !== document.body)) return;
    if (canFocus(held.element)) return;
    const next = successor(held) ?? main;
    held = null;
    if (next instanceof HTMLElement) next.focus();
    provisional = next === main;
  };

  document.addEventListener("focusin", ({ target }) => {
    provisional = false;
    if (target instanceof Element) held = holdOf(target);
  });
  // A pointer press elsewhere removes the focus on purpose.
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (relatedTarget !== null) return;
    setTimeout(() => {
      if (held?.element === target && canFocus(held.element)) held = null;
    });
  });
  const observer = new MutationObserver(() => timer ??= setTimeout(check, SETTLE_MS));
  observer.observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["disabled", "hidden", "inert"],
  });
}

function canFocus(element: Element): boolean {
  return element.isConnected && !element.matches(":disabled") &&
    element.closest("[hidden], [inert]") === null;
}

function holdOf(element: Element): Held {
  const above: Element[] = [];
  for (let one = element.parentElement; one !== null; one = one.parentElement) above.push(one);
  const item = element.closest("li");
  const list = item?.parentElement;
  return {
    element,
    above,
    line: !item || !list ? null : {
      list,
      index: [...list.children].indexOf(item),
      control: [...item.querySelectorAll(FOCUSABLE)].indexOf(element),
    },
  };
}

function successor({ above, line }: Held): Element | null {
  const dialog = [...document.querySelectorAll('[role="dialog"]')].filter(canFocus).at(-1);
  if (dialog !== undefined && !above.some((one) => one.isConnected && dialog.contains(one))) {
    return dialog;
  }
  if (line !== null && canFocus(line.list)) {
    const { list, index, control } = line;
    const item = list.children[Math.min(index, list.children.length - 1)];
    const controls = [...item?.querySelectorAll(FOCUSABLE) ?? []].filter(canFocus);
    if (controls.length > 0) return controls[Math.min(control, controls.length - 1)];
  }
  for (const one of above) {
    if (!canFocus(one) || one === document.body) continue;
    if (one.matches(HOME)) return one;
    const home = one.querySelector(HOME);
    if (home !== null && canFocus(home)) return home;
    if (one === dialog) return dialog;
  }
  return [...document.querySelectorAll(HOME)].find(canFocus) ?? null;
}
