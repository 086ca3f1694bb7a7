/** Everything around the pages: who is signed in, the client that goes with them, the routes. */

import { useEffect, useSyncExternalStore } from "react";
import { Route, Routes } from "react-router";
import { Provider } from "urql";
import { current } from "../api/current";
import { LiveContext } from "../api/hooks";
import { session } from "../api/session";
import { Library } from "../pages/library/Library";
import { NotFound } from "../pages/NotFound";
import { UploadProvider } from "../upload/context";
import { Demo } from "../ui/Demo";
import { Shell } from "./Shell";
import { AdminOnly, SignedInOnly } from "./gates";
import { Account, Admin, SignIn, Studio, StudioVideo, Upload, Watch } from "./pages";

export function App() {
  const api = useSyncExternalStore(current.subscribe, current.get);
  useOtherTabs();
  return (
    <Provider value={api.client}>
      <LiveContext value={api.live}>
        <UploadProvider>
          <Demo />
          <Routes>
            <Route path="/sign-in" element={<SignIn />} />
            <Route element={<Shell />}>
              <Route index element={<Library />} />
              <Route path="/u/:owner" element={<Library />} />
              <Route path="/watch/:id" element={<Watch waiting={<Room />} />} />
              <Route element={<SignedInOnly />}>
                <Route path="/upload" element={<Upload waiting={<Room />} />} />
                <Route path="/studio" element={<Studio waiting={<Room />} />} />
                <Route path="/studio/:id" element={<StudioVideo waiting={<Room />} />} />
                <Route path="/account" element={<Account waiting={<Room />} />} />
                <Route element={<AdminOnly />}>
                  <Route path="/admin/*" element={<Admin waiting={<Room />} />} />
                </Route>
              </Route>
              <Route path="*" element={<NotFound />} />
            </Route>
          </Routes>
        </UploadProvider>
      </LiveContext>
    </Provider>
  );
}

/** As high as a page, so that the scroll bar does not come and go. */
function Room() {
  return <div className="min-h-[70dvh]" aria-busy="true" />;
}

/** Signing in or out in one tab does so in all of them. */
function useOtherTabs() {
  useEffect(() => {
    const onStorage = (event: StorageEvent) => {
      if (event.key !== "clipsy.session") return;
      if (event.newValue === null) session.forget();
      else void session.start();
    };
    addEventListener("storage", onStorage);
    return () => removeEventListener("storage", onStorage);
  }, []);
}
