/** The custom elements that the player is put together from; importing a file defines its element. */

import "hls-video-element";
import "media-chrome/media-airplay-button";
import "media-chrome/media-cast-button";
import "media-chrome/media-controller";
import "media-chrome/media-control-bar";
import "media-chrome/media-error-dialog";
import "media-chrome/media-fullscreen-button";
import "media-chrome/media-loading-indicator";
import "media-chrome/media-mute-button";
import "media-chrome/media-pip-button";
import "media-chrome/media-play-button";
import "media-chrome/media-poster-image";
import "media-chrome/media-preview-thumbnail";
import "media-chrome/media-preview-time-display";
import "media-chrome/media-time-display";
import "media-chrome/media-time-range";
import "media-chrome/media-volume-range";
import "media-chrome/menu/media-captions-menu";
import "media-chrome/menu/media-captions-menu-button";
import "media-chrome/menu/media-chrome-menu-item";
import "media-chrome/menu/media-playback-rate-menu";
import "media-chrome/menu/media-playback-rate-menu-button";
import "media-chrome/menu/media-rendition-menu";
import "media-chrome/menu/media-rendition-menu-button";
import { De } from "media-chrome/lang/de";
import { addTranslation, setLanguage } from "media-chrome/utils/i18n";
import { language, onLanguage } from "../i18n";
import type { HlsVideoElement } from "hls-video-element";
import type { DetailedHTMLProps, HTMLAttributes } from "react";

addTranslation("de", De);
setLanguage(language());
onLanguage(() => setLanguage(language()));

type Custom = DetailedHTMLProps<HTMLAttributes<HTMLElement>, HTMLElement> & {
  [attribute: string]: unknown;
};

declare module "react" {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- this is how React is told of elements
  namespace JSX {
    interface IntrinsicElements {
      "hls-video": DetailedHTMLProps<HTMLAttributes<HlsVideoElement>, HlsVideoElement> & {
        [attribute: string]: unknown;
      };
      "media-airplay-button": Custom;
      "media-captions-menu": Custom;
      "media-captions-menu-button": Custom;
      "media-cast-button": Custom;
      "media-controller": Custom;
      "media-control-bar": Custom;
      "media-error-dialog": Custom;
      "media-fullscreen-button": Custom;
      "media-loading-indicator": Custom;
      "media-mute-button": Custom;
      "media-pip-button": Custom;
      "media-play-button": Custom;
      "media-poster-image": Custom;
      "media-preview-thumbnail": Custom;
      "media-preview-time-display": Custom;
      "media-time-display": Custom;
      "media-time-range": Custom;
      "media-volume-range": Custom;
      "media-playback-rate-menu": Custom;
      "media-playback-rate-menu-button": Custom;
      "media-rendition-menu": Custom;
      "media-rendition-menu-button": Custom;
    }
  }
}
