/** What stands around every page: the bar at the top, the tabs on a phone, uploads under way. */

import { lazy, Suspense, useEffect, useRef } from "react";
import { useTranslation } from "../i18n";
import { Link, NavLink, Outlet, useLocation } from "react-router";
import { useMyVideos, useViewer } from "../api/hooks";
import { DropAnywhere } from "../upload/DropAnywhere";
import { useItems } from "../upload/context";
import { AdminIcon, LibraryIcon, StudioIcon, UploadIcon } from "../ui/icons";
import { Logo } from "../ui/Logo";
import { Toasts } from "../ui/toasts";
import { StageHost } from "../player/StageHost";
import { AccountButton } from "./AccountButton";
import { ErrorBoundary } from "./ErrorBoundary";
import { LinkState } from "./LinkState";
import { useNotices } from "./notices";
import { Search } from "./Search";
import { useScrollMemory } from "./scroll";

const Dock = lazy(() => import("../upload/Dock").then((module) => ({ default: module.Dock })));

export function Shell() {
  const { t } = useTranslation();
  const viewer = useViewer();
  const uploads = useItems();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useNotices(useMyVideos());
  useScrollMemory();

  // People who hear the page rather than see it start at its beginning, too.
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
  }, [pathname]);

  const tabs = [
    { to: "/", label: t("nav.library"), Icon: LibraryIcon, shown: true },
    { to: "/studio", label: t("nav.studio"), Icon: StudioIcon, shown: viewer !== null },
    { to: "/upload", label: t("nav.upload"), Icon: UploadIcon, shown: viewer !== null, phone: true },
    { to: "/admin", label: t("nav.admin"), Icon: AdminIcon, shown: viewer?.role === "ADMIN" },
  ].filter((tab) => tab.shown);

  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#main"
        className="btn btn-primary fixed top-2 left-2 z-50 -translate-y-20 focus:translate-y-0"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {t("nav.skip")}
      </a>
      <header className="bar top-0 z-30 border-b border-line bg-bg">
        <div className="mx-auto flex h-14 max-w-[110rem] items-center gap-2 px-3 sm:gap-4 sm:px-6">
          <Link to="/" className="flex items-center gap-2 rounded-lg no-underline" aria-label={t("nav.home")}>
            <Logo />
            <span className="text-lg font-bold tracking-[-0.03em] max-[26rem]:hidden">Clipsy</span>
          </Link>
          <nav aria-label={t("nav.pages")} className="ml-2 mr-2 hidden items-center gap-1 md:flex">
            {tabs
              .filter((tab) => !tab.phone)
              .map(({ to, label }) => (
                <NavLink
                  key={to}
                  to={to}
                  end={to === "/"}
                  className="rounded-full px-3 py-1.5 text-sm font-semibold text-muted no-underline hover:text-ink aria-[current=page]:bg-sunken aria-[current=page]:text-ink"
                >
                  {label}
                </NavLink>
              ))}
          </nav>
          <Search />
          <LinkState />
          {viewer && (
            <Link to="/upload" className="btn btn-primary max-md:hidden">
              <UploadIcon />
              {t("nav.upload")}
            </Link>
          )}
          {viewer ? (
            <AccountButton />
          ) : (
            <Link to="/sign-in" className="btn btn-primary">
              {t("nav.signIn")}
            </Link>
          )}
        </div>
      </header>
      {viewer && (
        <nav aria-label={t("nav.tabs")} className="tabs border-line bg-surface">
          {tabs.map(({ to, label, Icon }) => (
            <NavLink
              key={to}
              to={to}
              end={to === "/"}
              className="tab flex flex-1 items-center justify-center gap-x-2 gap-y-0.5 py-2 text-xs font-semibold text-muted no-underline aria-[current=page]:text-accent"
            >
              <Icon />
              {label}
            </NavLink>
          ))}
        </nav>
      )}
      <main
        id="main"
        ref={main}
        tabIndex={-1}
        className="page relative mx-auto w-full max-w-[110rem] flex-1 px-3 pt-5 pb-24 outline-none sm:px-6 md:pb-12"
      >
        <StageHost within={main} />
        <ErrorBoundary key={pathname}>
          <Outlet />
        </ErrorBoundary>
      </main>
      {viewer && (
        <>
          <DropAnywhere />
          <Suspense>{uploads.length > 0 && <Dock />}</Suspense>
        </>
      )}
      <Toasts />
    </div>
  );
}
