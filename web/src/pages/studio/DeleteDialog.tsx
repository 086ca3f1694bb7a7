import { useTranslation } from "react-i18next";
import { useMutation } from "urql";
import { DeleteVideoDocument } from "../../gql/graphql";
import { Modal } from "../../ui/Modal";
import { useDone } from "../../ui/useDone";
import type { StudioVideoData } from "./StudioVideo";

export default function DeleteDialog({ video, onClose, onDeleted }: { video: StudioVideoData; onClose: () => void; onDeleted: () => void }) {
  const { t } = useTranslation();
  const [{ fetching }, remove] = useMutation(DeleteVideoDocument);
  const { problem, run } = useDone();
  return (
    <Modal title={t("delete.title")} onClose={onClose}>
      <p>{t("delete.question", { title: video.title })}</p>
      <p className="mt-1 text-sm text-muted">{t("delete.advice")}</p>
      {problem && (
        <p role="alert" className="mt-3 text-sm font-semibold text-bad">
          {problem}
        </p>
      )}
      <div className="mt-5 flex justify-end gap-2">
        <button type="button" className="btn btn-quiet" onClick={onClose}>
          {t("delete.keep")}
        </button>
        <button
          type="button"
          className="btn btn-bad"
          disabled={fetching}
          onClick={() =>
            void run(remove({ id: video.id }), (data) => data.deleteVideo.userErrors).then((done) => {
              if (done) onDeleted();
            })
          }
        >
          {t("delete.yes")}
        </button>
      </div>
    </Modal>
  );
}
