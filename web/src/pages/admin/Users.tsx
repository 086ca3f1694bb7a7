/** People who may sign in. */

import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQuery } from "urql";
import { UsersDocument, type UserRowFragment } from "../../gql/admin/graphql";
import { useSettled } from "../../api/hooks";
import { bytes } from "../../ui/format";
import { UserIcon } from "../../ui/icons";
import { Ago, PageHead, Title, Trouble } from "../../ui/parts";
import { UserDialog } from "./UserDialog";

export default function Users() {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const search = useSettled(text.trim(), 250);
  const [editing, setEditing] = useState<UserRowFragment | "new" | null>(null);
  const [first, setFirst] = useState(50);
  const [{ data, error }, refetch] = useQuery({
    query: UsersDocument,
    variables: { first, search: search || null },
    requestPolicy: "cache-and-network",
  });

  return (
    <>
      <Title text={t("admin.tabs.users")} />
      <PageHead title={t("admin.tabs.users")} note={data?.users.totalCount}>
        <input
          type="search"
          className="field max-w-60 text-sm"
          aria-label={t("users.search")}
          placeholder={t("users.search")}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="button" className="btn btn-primary" onClick={() => setEditing("new")}>
          <UserIcon />
          {t("users.add")}
        </button>
      </PageHead>
      {error && !data && <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />}
      {data && (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways on a phone, so keys must reach it
        <div className="panel overflow-x-auto" tabIndex={0} role="region" aria-label={t("admin.tabs.users")}>
          <table className="table num">
            <thead>
              <tr>
                <th scope="col" className="w-1/3">{t("users.name")}</th>
                <th scope="col">{t("users.email")}</th>
                <th scope="col">{t("users.role")}</th>
                <th scope="col">{t("users.state")}</th>
                <th scope="col">{t("users.storage")}</th>
                <th scope="col">{t("users.since")}</th>
                <th scope="col">
                  <span className="sr-only">{t("users.edit")}</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {data.users.nodes.map((user) => (
                <tr key={user.id}>
                  <th scope="row" className="border-t border-line text-sm! text-ink!">{user.username}</th>
                  <td>{user.email || "–"}</td>
                  <td>{user.role ? t(`role.${user.role}`) : "–"}</td>
                  <td className={user.active === false ? "text-bad" : ""}>{user.active === false ? t("users.inactive") : t("users.active")}</td>
                  <td className="whitespace-nowrap">{bytes(user.storageBytes)}</td>
                  <td className="whitespace-nowrap">{user.createdAt ? <Ago at={user.createdAt} /> : "–"}</td>
                  <td>
                    <button type="button" className="btn btn-quiet btn-small" aria-label={t("users.editOne", { name: user.username })} onClick={() => setEditing(user)}>
                      {t("users.edit")}
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {data?.users.nodes.length === 0 && <p className="py-8 text-center text-muted">{t("users.none")}</p>}
      {data?.users.pageInfo.hasNextPage && first < 100 && (
        <button type="button" className="btn btn-quiet mx-auto mt-6 flex" onClick={() => setFirst(100)}>
          {t("library.more")}
        </button>
      )}
      {editing && <UserDialog user={editing === "new" ? null : editing} onClose={() => setEditing(null)} />}
    </>
  );
}
