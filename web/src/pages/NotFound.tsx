import { useTranslation } from "../i18n";
import { Link } from "react-router";
import { Empty, Title } from "../ui/parts";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <>
      <Title text={t("notFound.title")} />
      <Empty title={t("notFound.title")} action={<Link className="btn btn-primary" to="/">{t("notFound.home")}</Link>}>
        {t("notFound.advice")}
      </Empty>
    </>
  );
}
