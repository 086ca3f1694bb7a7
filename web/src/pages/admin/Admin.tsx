/** Running the server: what it does, what it can, what went wrong, who may use it. */

import "./texts";
import { useTranslation } from "../../i18n";
import { NavLink, Route, Routes } from "react-router";
import { later } from "../../app/later";
import { NotFound } from "../NotFound";
import { Queue } from "./Queue";

const Workers = later(() => import("./Workers").then((page) => page.default));
const Failures = later(() => import("./Failures").then((page) => page.default));
const Users = later(() => import("./Users").then((page) => page.default));
const Audit = later(() => import("./Audit").then((page) => page.Audit));
const Settings = later(() => import("./Settings").then((page) => page.default));
const Storage = later(() => import("./Storage").then((page) => page.default));

const TABS = ["queue", "workers", "failures", "users", "storage", "settings", "audit"] as const;

export default function Admin() {
  const { t } = useTranslation();
  return (
    <>
      <nav aria-label={t("admin.title")} className="-mx-3 mb-6 flex gap-1 overflow-x-auto border-b border-line px-3 sm:mx-0 sm:px-0">
        {TABS.map((tab) => (
          <NavLink
            key={tab}
            to={tab === "queue" ? "/admin" : `/admin/${tab}`}
            end
            className="-mb-px border-b-2 border-transparent px-3 py-2.5 text-sm font-semibold whitespace-nowrap text-muted no-underline outline-offset-[-3px] hover:text-ink aria-[current=page]:border-accent aria-[current=page]:text-ink"
          >
            {t(`admin.tabs.${tab}`)}
          </NavLink>
        ))}
      </nav>
      <div className="min-h-[60dvh]">
        <Routes>
          <Route index element={<Queue />} />
          <Route path="workers" element={<Workers />} />
          <Route path="failures" element={<Failures />} />
          <Route path="users" element={<Users />} />
          <Route path="storage" element={<Storage />} />
          <Route path="settings" element={<Settings />} />
          <Route path="audit" element={<Audit />} />
          <Route path="*" element={<NotFound />} />
        </Routes>
      </div>
    </>
  );
}
