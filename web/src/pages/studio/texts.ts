/** English texts of the page of one video in the studio; they come with it. Other languages come as a whole. */

import { addTexts } from "../../i18n";
import texts from "../../i18n/en.studio.json";

addTexts(texts);
