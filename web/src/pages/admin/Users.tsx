/** People who may sign in. */

import { useEffect, useState } from "react";
import { useTranslation } from "../../i18n";
import { useQuery } from "urql";
import { UsersDocument, type UserRowFragment } from "../../gql/admin/graphql";
import { useSettled } from "../../api/hooks";
import { bytes } from "../../ui/format";
import { UserIcon } from "../../ui/icons";
import { Ago, PageHead, Title, Trouble } from "../../ui/parts";
import { DeleteUser } from "./DeleteUser";
import { UserDialog } from "./UserDialog";

/** People on one page of the list. */
const PAGE = 50;

export default function Users() {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const search = useSettled(text.trim(), 250);
  const [editing, setEditing] = useState<UserRowFragment | "new" | null>(null);
  const [deleting, setDeleting] = useState<UserRowFragment | null>(null);
  // Another search begins with its first page.
  const [depth, setDepth] = useState({ search: "", pages: 1 });
  const pages = depth.search === search ? depth.pages : 1;
  const [total, setTotal] = useState<number | null>(null);

  return (
    <>
      <Title text={t("admin.tabs.users")} />
      <PageHead title={t("admin.tabs.users")} note={total ?? undefined}>
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
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways on a phone, so keys must reach it */}
      <div className="panel overflow-x-auto" tabIndex={0} role="group" aria-label={t("admin.tabs.users")}>
        <table className="table num">
          <thead>
            <tr>
              <th scope="col" className="md:w-1/3">{t("users.name")}</th>
              <th scope="col" className="max-md:hidden">{t("account.email")}</th>
              <th scope="col">{t("users.role")}</th>
              <th scope="col" className="max-md:hidden">{t("users.state")}</th>
              <th scope="col" className="max-md:hidden">{t("users.storage")}</th>
              <th scope="col" className="max-md:hidden">{t("users.since")}</th>
              <th scope="col">
                <span className="sr-only">{t("users.edit")}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            <Rows
              key={search}
              after={null}
              left={pages}
              search={search}
              onEdit={setEditing}
              onMore={() => setDepth({ search, pages: pages + 1 })}
              onTotal={setTotal}
            />
          </tbody>
        </table>
      </div>
      {editing && (
        <UserDialog
          user={editing === "new" ? null : editing}
          onClose={() => setEditing(null)}
          onDelete={(user) => {
            setEditing(null);
            setDeleting(user);
          }}
        />
      )}
      {deleting && <DeleteUser user={deleting} onClose={() => setDeleting(null)} />}
    </>
  );
}

interface RowsProps {
  after: string | null;
  /** Pages to show from this one on. */
  left: number;
  search: string;
  onEdit: (user: UserRowFragment) => void;
  onMore: () => void;
  onTotal?: (total: number) => void;
}

/** One page of the list and, after it, the next ones: each begins where this one really ends. */
function Rows({ after, left, search, onEdit, onMore, onTotal }: RowsProps) {
  const { t } = useTranslation();
  const [{ data, error }, refetch] = useQuery({
    query: UsersDocument,
    variables: { first: PAGE, after, search: search || null },
    requestPolicy: "cache-and-network",
  });
  const total = data?.users.totalCount;
  useEffect(() => {
    if (total !== undefined) onTotal?.(total);
  }, [total, onTotal]);

  if (!data) {
    return (
      <tr aria-busy={!error}>
        <td colSpan={COLUMNS} className="h-24">
          {error && <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />}
        </td>
      </tr>
    );
  }
  const { nodes, pageInfo } = data.users;
  if (nodes.length === 0 && after === null) {
    return (
      <tr>
        <td colSpan={COLUMNS} className="py-8! text-center text-muted">{t("users.none")}</td>
      </tr>
    );
  }
  return (
    <>
      {nodes.map((user) => (
        <Row key={user.id} user={user} onEdit={onEdit} />
      ))}
      {pageInfo.hasNextPage &&
        (left > 1 ? (
          <Rows {...{ search, onEdit, onMore }} after={pageInfo.endCursor ?? null} left={left - 1} />
        ) : (
          <tr>
            <td colSpan={COLUMNS} className="text-center">
              <button type="button" className="btn btn-quiet" onClick={onMore}>
                {t("library.more")}
              </button>
            </td>
          </tr>
        ))}
    </>
  );
}

const COLUMNS = 7;

/** On a phone what is rarely wanted stands below the name or in the dialog. */
function Row({ user, onEdit }: { user: UserRowFragment; onEdit: (user: UserRowFragment) => void }) {
  const { t } = useTranslation();
  const state = <span className={user.active === false ? "text-bad" : ""}>{user.active === false ? t("users.inactive") : t("users.active")}</span>;
  return (
    <tr>
      <th scope="row" aria-label={user.username} className="border-t border-line whitespace-normal! text-sm! text-ink!">
        {user.username}
        <span className="block font-normal text-muted md:hidden">
          {user.email}
          {user.active === false && <span className="block">{state}</span>}
        </span>
      </th>
      <td className="max-md:hidden">{user.email || "–"}</td>
      <td>{user.role ? t(`role.${user.role}`) : "–"}</td>
      <td className="max-md:hidden">{state}</td>
      <td className="whitespace-nowrap max-md:hidden">{bytes(user.storageBytes)}</td>
      <td className="whitespace-nowrap max-md:hidden">{user.createdAt ? <Ago at={user.createdAt} /> : "–"}</td>
      <td>
        <button type="button" className="btn btn-quiet btn-small" aria-label={t("users.editOne", { name: user.username })} onClick={() => onEdit(user)}>
          {t("users.edit")}
        </button>
      </td>
    </tr>
  );
}
