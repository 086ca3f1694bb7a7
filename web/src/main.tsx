import "./styles/main.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { session } from "./api/session";
import { App } from "./app/App";
import { base } from "./ui/format";
import { startTexts } from "./i18n";
import { receiveShared } from "./upload/shared";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

// Both at once: who it is and in which language.
await Promise.all([session.start(), startTexts()]);
createRoot(root).render(
  <StrictMode>
    <BrowserRouter basename={`${base}/`}>
      <App />
    </BrowserRouter>
  </StrictMode>,
);
receiveShared();
