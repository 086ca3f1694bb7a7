/** Everything around the pages: who is signed in, the client that goes with them, the routes. */

import { lazy, Suspense, useEffect, useSyncExternalStore } from "react";
import { Route, Routes } from "react-router";
import { Provider } from "urql";
import { current } from "../api/current";
import { LiveContext } from "../api/hooks";
import { session } from "../api/session";
import { Library } from "../pages/library/Library";
import { NotFound } from "../pages/NotFound";
import { UploadProvider } from "../upload/context";
import { Shell } from "./Shell";
import { AdminOnly, SignedInOnly } from "./gates";

const Watch = lazy(() => import("../pages/watch/Watch"));
const SignIn = lazy(() => import("../pages/account/SignIn"));
const Account = lazy(() => import("../pages/account/Account"));
const Upload = lazy(() => import("../pages/Upload"));
const Studio = lazy(() => import("../pages/studio/Studio"));
const StudioVideo = lazy(() => import("../pages/studio/StudioVideo"));
const Admin = lazy(() => import("../pages/admin/Admin"));

export function App() {
  const api = useSyncExternalStore(current.subscribe, current.get);
  useOtherTabs();
  return (
    <Provider value={api.client}>
      <LiveContext value={api.live}>
        <UploadProvider>
          <Routes>
            <Route path="/sign-in" element={<Suspense><SignIn /></Suspense>} />
            <Route element={<Shell />}>
              <Route index element={<Library />} />
              <Route path="/watch/:id" element={<Watch />} />
              <Route element={<SignedInOnly />}>
                <Route path="/upload" element={<Upload />} />
                <Route path="/studio" element={<Studio />} />
                <Route path="/studio/:id" element={<StudioVideo />} />
                <Route path="/account" element={<Account />} />
                <Route element={<AdminOnly />}>
                  <Route path="/admin/*" element={<Admin />} />
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
