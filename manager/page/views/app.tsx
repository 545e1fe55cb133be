import { Activity, Leaf, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { useEffect } from "react";
import { Link, RouterProvider } from "react-aria-components";
import { logout } from "../api/system.ts";
import { Boundary } from "../components/boundary.tsx";
import { IconButton } from "../components/controls.tsx";
import { Toasts } from "../components/toasts.tsx";
import { CatalogProvider } from "../state/catalog.tsx";
import { deleteDrafts } from "../state/drafts.ts";
import { HOME_PLACE, hrefOf, navigate, navigateTo, useRoute } from "../state/route.ts";
import { broadcastSignOut, onSignOut } from "../state/tabs.ts";
import { type Theme, useTheme } from "../state/theme.ts";
import { attempt, undoLast } from "../state/toasts.ts";
import { useTrouble } from "../state/trouble.ts";
import { hasUnsaved } from "../state/unsaved.ts";
import { ConflictDialog } from "./conflict_dialog.tsx";
import { ConnectionNote } from "./connection_note.tsx";
import { HealthView } from "./health_view.tsx";
import { HomeView } from "./home_view.tsx";
import { LoginView } from "./login_view.tsx";
import { TransfersPanel } from "./transfers_panel.tsx";
import { VolumeView } from "./volume_view.tsx";

/** The page: a header and the view that the address names. */
export function App() {
  const { signedOut } = useTrouble();
  // A sign-out in one tab clears the others.
  useEffect(() => onSignOut(() => hasUnsaved() || location.assign("/")), []);
  useEffect(() => {
    const undo = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey)) return;
      if (event.shiftKey || event.altKey || isWriting(event.target)) return;
      if (undoLast()) event.preventDefault();
    };
    addEventListener("keydown", undo);
    return () => removeEventListener("keydown", undo);
  }, []);
  return (
    <RouterProvider navigate={navigateTo}>
      <CatalogProvider>
        <a className="skip" href="#main">Skip to content</a>
        <Header />
        <main id="main" tabIndex={-1}>
          <Boundary>
            <Current />
          </Boundary>
        </main>
        <TransfersPanel />
        <ConflictDialog />
        <Toasts />
        <ConnectionNote />
        {signedOut && <LoginView />}
      </CatalogProvider>
    </RouterProvider>
  );
}

/**
 * Returns whether the element handles the key itself: text fields have their
 * own undo.
 */
function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=checkbox]), textarea"));
}

function Current() {
  const { page, volume } = useRoute();
  if (page === "health") return <HealthView />;
  if (page === "volume") return <VolumeView key={volume} id={volume} />;
  return <HomeView />;
}

const THEMES: Record<Theme, { next: Theme; label: string; icon: typeof Sun }> = {
  auto: { next: "light", label: "Colours: as the system. Switch to light", icon: Monitor },
  light: { next: "dark", label: "Colours: light. Switch to dark", icon: Sun },
  dark: { next: "auto", label: "Colours: dark. Switch to the system's", icon: Moon },
};

async function signOut(): Promise<void> {
  if (!await attempt(logout)) return;
  broadcastSignOut();
  await deleteDrafts();
  location.assign("/");
}

function Header() {
  const [theme, setTheme] = useTheme();
  const { next, label, icon: Icon } = THEMES[theme];
  return (
    <header className="top">
      <Link className="brand" href={hrefOf(HOME_PLACE)}>
        <span className="brand-mark">
          <Leaf size={17} aria-hidden />
        </span>
        aloelite
      </Link>
      <nav aria-label="Manager" className="top-nav">
        <IconButton
          label="Health"
          onPress={() => navigate({ page: "health", volume: "" })}
        >
          <Activity size={18} aria-hidden />
        </IconButton>
        <IconButton label={label} onPress={() => setTheme(next)}>
          <Icon size={18} aria-hidden />
        </IconButton>
        <IconButton label="Sign out, and lock every volume" onPress={() => void signOut()}>
          <LogOut size={18} aria-hidden />
        </IconButton>
      </nav>
    </header>
  );
}
