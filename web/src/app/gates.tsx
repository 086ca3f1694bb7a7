/** Pages that not everybody may see. */

import { Navigate, Outlet, useLocation } from "react-router";
import { useTranslation } from "react-i18next";
import { useViewer } from "../api/hooks";
import { Empty } from "../ui/parts";

export function SignedInOnly() {
  const viewer = useViewer();
  const { pathname, search } = useLocation();
  if (!viewer) return <Navigate to="/sign-in" state={{ from: pathname + search }} replace />;
  return <Outlet />;
}

export function AdminOnly() {
  const viewer = useViewer();
  const { t } = useTranslation();
  if (viewer?.role !== "ADMIN") return <Empty title={t("trouble.FORBIDDEN")}>{t("admin.only")}</Empty>;
  return <Outlet />;
}
