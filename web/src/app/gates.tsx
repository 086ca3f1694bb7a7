/** Pages that not everybody may see. */

import { Navigate, Outlet, useLocation } from "react-router";
import { useTranslation } from "../i18n";
import { useSession, useViewer } from "../api/hooks";
import { Away, Empty } from "../ui/parts";

export function SignedInOnly() {
  const { viewer, status } = useSession();
  const { pathname, search } = useLocation();
  if (status === "away") return <Away />;
  if (!viewer) return <Navigate to="/sign-in" state={{ from: pathname + search }} replace />;
  return <Outlet />;
}

export function AdminOnly() {
  const viewer = useViewer();
  const { t } = useTranslation();
  if (viewer?.role !== "ADMIN") return <Empty title={t("trouble.FORBIDDEN")}>{t("admin.only")}</Empty>;
  return <Outlet />;
}
