/** English texts that only administrators read; they come with these pages. Other languages come as a whole. */

import { addTexts } from "../../i18n";
import texts from "../../i18n/en.admin.json";

addTexts(texts);
