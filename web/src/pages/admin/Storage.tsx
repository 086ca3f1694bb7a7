/** Where the disk goes. */

import { useTranslation } from "../../i18n";
import { Link } from "react-router";
import { useQuery } from "urql";
import { StorageDocument } from "../../gql/admin/graphql";
import { bytes, clock } from "../../ui/format";
import { PageHead, Title, Trouble } from "../../ui/parts";
import { Freeable } from "./Freeable";
import { Stat } from "./Stat";

export default function Storage() {
  const { t } = useTranslation();
  const [{ data, error }, refetch] = useQuery({ query: StorageDocument, requestPolicy: "cache-and-network" });
  if (error && !data) return <Trouble error={error} retry={() => refetch({ requestPolicy: "network-only" })} />;
  if (!data) return <div className="min-h-[60dvh]" aria-busy="true" />;
  const usage = data.storageUsage;
  const parts = [
    { name: t("storage.originals"), size: usage.originalsBytes, look: "bg-accent" },
    { name: t("storage.renditions"), size: usage.renditionsBytes, look: "bg-warn" },
    { name: t("storage.thumbnails"), size: usage.thumbnailsBytes, look: "bg-ok" },
    { name: t("storage.uploads"), size: usage.uploadsBytes, look: "bg-line-strong" },
    ...(usage.freeBytes === null ? [] : [{ name: t("storage.free"), size: usage.freeBytes, look: "bg-sunken" }]),
  ];
  const used = usage.originalsBytes + usage.renditionsBytes + usage.thumbnailsBytes + usage.uploadsBytes;
  const whole = used + (usage.freeBytes ?? 0);

  return (
    <>
      <Title text={t("admin.tabs.storage")} />
      <PageHead title={t("admin.tabs.storage")} />
      <dl className="mb-6 grid grid-cols-2 gap-3 sm:grid-cols-3 max-sm:*:last:col-span-2">
        <Stat name={t("storage.used")} value={bytes(used)} />
        <Stat name={t("storage.free")} value={bytes(usage.freeBytes)} />
        <Stat name={t("storage.videos")} value={String(usage.videos)} />
      </dl>
      <div className="panel mb-8 p-4 sm:p-5">
        <div className="mb-4 flex h-4 gap-0.5 overflow-hidden rounded-full" aria-hidden="true">
          {parts.map((part) => (
            <span key={part.name} className={part.look} style={{ width: `${whole > 0 ? (part.size / whole) * 100 : 0}%` }} />
          ))}
        </div>
        <ul className="num flex flex-wrap gap-x-6 gap-y-2 text-sm">
          {parts.map((part) => (
            <li key={part.name} className="flex items-center gap-2">
              <span className={`size-3 rounded-full border border-line ${part.look}`} aria-hidden="true" />
              {part.name} <span className="text-muted">{bytes(part.size)}</span>
            </li>
          ))}
        </ul>
      </div>
      <Freeable freeable={usage.freeable} onFreed={() => refetch({ requestPolicy: "network-only" })} />
      {usage.largest.length > 0 && (
        <>
          <h2 className="mb-3 text-lg">{t("storage.largest")}</h2>
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- scrolls sideways on a phone, so keys must reach it */}
          <div className="panel overflow-x-auto" tabIndex={0} role="group" aria-label={t("storage.largest")}>
            <table className="table num">
              <thead>
                <tr>
                  <th scope="col" className="w-1/2">{t("queue.video")}</th>
                  <th scope="col">{t("storage.length")}</th>
                  <th scope="col">{t("storage.originals")}</th>
                  <th scope="col">{t("storage.renditions")}</th>
                </tr>
              </thead>
              <tbody>
                {usage.largest.map((video) => (
                  <tr key={video.id}>
                    <td>
                      <Link to={`/studio/${video.number}`}>{video.title}</Link>
                    </td>
                    <td>{video.duration === null ? "–" : clock(video.duration)}</td>
                    <td className="whitespace-nowrap">{bytes(video.source.bytes)}</td>
                    <td className="whitespace-nowrap">{bytes(video.renditions.reduce((sum, one) => sum + one.bytes, 0))}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </>
  );
}
