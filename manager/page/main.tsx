import { createRoot } from "react-dom/client";
import { watchConnection } from "./api/connection.ts";
import { keepFocus } from "./lib/focus_keeper.ts";
import { loadAll } from "./lib/lazily.ts";
import { connectFeed } from "./state/feed.ts";
import { applyTheme, storedTheme } from "./state/theme.ts";
import { abandonRest } from "./uploads/abandoned.ts";
import { App } from "./views/app.tsx";

applyTheme(storedTheme());
watchConnection();
keepFocus();
abandonRest();
connectFeed();
createRoot(document.getElementById("root")!).render(<App />);

// Load lazy parts early, so that they also work after the manager has become
// unreachable.
addEventListener("load", () => setTimeout(loadAll, 2000));
