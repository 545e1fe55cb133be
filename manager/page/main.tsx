import { createRoot } from "react-dom/client";
import { connectFeed } from "./state/feed.ts";
import { applyTheme, storedTheme } from "./state/theme.ts";
import { App } from "./views/app.tsx";

applyTheme(storedTheme());
connectFeed();
createRoot(document.getElementById("root")!).render(<App />);
