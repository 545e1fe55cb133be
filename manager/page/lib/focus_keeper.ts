/** What had the focus, and where that was: for when it goes. */
interface Held {
  element: Element;
  /** Its ancestors, from the nearest on. */
  above: Element[];
  /** Its place in a list, and among what its line can focus. */
  line: { list: Element; index: number; control: number } | null;
}

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]), [tabindex]";
/** Where the keyboard is at home in a view. */
const HOME = "[data-focus-home]";
/** How long others, as a dialog that closes, may take to say where the focus goes, ms. */
const PATIENCE = 80;

/**
 * Sees to it that the keyboard is somewhere: when what has the focus goes, or
 * cannot have it any more, what comes next in its place gets it.
 */
export function keepFocus(): void {
  let held: Held | null = null;
  let timer: number | undefined;

  /** It is at the page's main part, for want of a better place. */
  let provisional = false;

  const look = () => {
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
  // Who points elsewhere wants the focus nowhere.
  document.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (relatedTarget !== null) return;
    setTimeout(() => {
      if (held?.element === target && canFocus(held.element)) held = null;
    });
  });
  const observer = new MutationObserver(() => timer ??= setTimeout(look, PATIENCE));
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
