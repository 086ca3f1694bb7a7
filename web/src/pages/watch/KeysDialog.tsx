import { useTranslation } from "../../i18n";
import { HELP } from "../../player/keys";
import { Modal } from "../../ui/Modal";

export default function KeysDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal title={t("player.keys")} onClose={onClose}>
      <dl className="grid grid-cols-[1fr_auto] gap-x-6 gap-y-2.5 text-sm">
        {HELP.map(([what, keys]) => (
          <div key={what} className="contents">
            <dt>{t(`player.help.${what}`)}</dt>
            <dd className="flex justify-end gap-1">
              {keys.split(" ").map((key) =>
                key === "…" ? (
                  <span key={key}>–</span>
                ) : (
                  <kbd key={key} className="min-w-7 rounded-md border border-line bg-sunken px-1.5 py-0.5 text-center font-sans text-xs font-semibold">
                    {key === "Space" ? t("player.space") : key}
                  </kbd>
                ),
              )}
            </dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
