/** The menu behind the round button with one's initial. Comes when it is asked for. */

import { useState } from "react";
import { Menu } from "@base-ui/react/menu";
import { useNavigate } from "react-router";
import { useViewer } from "../api/hooks";
import { session } from "../api/session";
import { useQueue } from "../upload/context";
import { choose, LANGUAGES, useTranslation } from "../i18n";
import { CheckIcon } from "../ui/icons";
import { INITIAL } from "./AccountButton";
import { applyTheme, readTheme, THEMES, type Theme } from "./theme";

export default function AccountMenu() {
  const { t, language } = useTranslation();
  const viewer = useViewer();
  const queue = useQueue();
  const navigate = useNavigate();
  const [theme, setTheme] = useState<Theme>(readTheme);
  if (!viewer) return null;

  async function signOut() {
    if (queue.busy() && !confirm(t("account.signOutWhileUploading"))) return;
    await navigate("/");
    await session.signOut().catch(() => undefined);
  }

  return (
    <Menu.Root defaultOpen>
      <Menu.Trigger
        className={INITIAL}
        aria-label={t("account.menu", { name: viewer.username })}
      >
        <span aria-hidden="true">{Array.from(viewer.username)[0] ?? "?"}</span>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={8} align="end" className="z-40">
          <Menu.Popup className="popup w-60">
            <Menu.Group>
              <Menu.GroupLabel className="truncate px-2.5 py-1.5 font-semibold">{viewer.username}</Menu.GroupLabel>
              <Menu.Item className="menu-item" onClick={() => void navigate("/account")}>
                {t("account.settings")}
              </Menu.Item>
            </Menu.Group>
            <Menu.Separator className="my-1.5 border-t border-line" />
            <Menu.RadioGroup
              value={theme}
              onValueChange={(value) => {
                applyTheme(value as Theme);
                setTheme(value as Theme);
              }}
            >
              <Menu.GroupLabel className="px-2.5 pt-1 text-xs text-muted">{t("theme.label")}</Menu.GroupLabel>
              {THEMES.map((one) => (
                <Menu.RadioItem key={one} value={one} className="menu-item" closeOnClick={false}>
                  <span className="w-4">
                    <Menu.RadioItemIndicator>
                      <CheckIcon width="16" height="16" />
                    </Menu.RadioItemIndicator>
                  </span>
                  {t(`theme.${one}`)}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            <Menu.Separator className="my-1.5 border-t border-line" />
            <Menu.RadioGroup value={language} onValueChange={(value) => void choose(value as string)}>
              <Menu.GroupLabel className="px-2.5 pt-1 text-xs text-muted">{t("account.language")}</Menu.GroupLabel>
              {[...LANGUAGES].map(([tag, name]) => (
                <Menu.RadioItem key={tag} value={tag} className="menu-item" closeOnClick={false} lang={tag}>
                  <span className="w-4">
                    <Menu.RadioItemIndicator>
                      <CheckIcon width="16" height="16" />
                    </Menu.RadioItemIndicator>
                  </span>
                  {name}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            <Menu.Separator className="my-1.5 border-t border-line" />
            <Menu.Item className="menu-item" onClick={() => void signOut()}>
              {t("account.signOut")}
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
