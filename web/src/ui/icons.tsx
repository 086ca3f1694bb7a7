/** The few icons there are, drawn on a 20 by 20 grid with the weight of the text. */

import type { ReactNode, SVGProps } from "react";

function icon(path: ReactNode) {
  return function Icon(props: SVGProps<SVGSVGElement>) {
    return (
      <svg
        width="20"
        height="20"
        viewBox="0 0 20 20"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.7"
        strokeLinecap="round"
        strokeLinejoin="round"
        aria-hidden="true"
        className="shrink-0"
        {...props}
      >
        {path}
      </svg>
    );
  };
}

export const SearchIcon = icon(<><circle cx="9" cy="9" r="5.5" /><path d="m13.2 13.2 3.8 3.8" /></>);
export const UploadIcon = icon(<><path d="M10 13V4" /><path d="m6 7.5 4-4 4 4" /><path d="M3.5 13v2a1.5 1.5 0 0 0 1.5 1.5h10a1.5 1.5 0 0 0 1.5-1.5v-2" /></>);
export const LibraryIcon = icon(<><rect x="3" y="3.5" width="6" height="5.5" rx="1.2" /><rect x="11" y="3.5" width="6" height="5.5" rx="1.2" /><rect x="3" y="11" width="6" height="5.5" rx="1.2" /><rect x="11" y="11" width="6" height="5.5" rx="1.2" /></>);
export const StudioIcon = icon(<><path d="M3.5 5h13" /><path d="M3.5 10h9" /><path d="M3.5 15h5" /></>);
export const AdminIcon = icon(<><path d="M4 16V9" /><path d="M10 16V4" /><path d="M16 16v-5" /></>);
export const UserIcon = icon(<><circle cx="10" cy="7" r="3.2" /><path d="M3.8 16.5c.8-3 3.2-4.5 6.2-4.5s5.4 1.5 6.2 4.5" /></>);
export const CloseIcon = icon(<path d="m5 5 10 10M15 5 5 15" />);
export const PauseIcon = icon(<path d="M7 5v10M13 5v10" />);
export const PlayIcon = icon(<path d="M6.5 4.5v11l9-5.5z" />);
export const RetryIcon = icon(<><path d="M15.5 9A6 6 0 1 0 15 13" /><path d="M16 4.5V9h-4.5" /></>);
export const CheckIcon = icon(<path d="m4.5 10.5 3.7 3.7 7.3-8" />);
export const ChevronIcon = icon(<path d="m5.5 8 4.5 4.5L14.5 8" />);
export const LockIcon = icon(<><rect x="4.5" y="9" width="11" height="7.5" rx="1.6" /><path d="M7 9V6.5a3 3 0 0 1 6 0V9" /></>);
export const LinkIcon = icon(<><path d="M8.5 11.5a3 3 0 0 0 4.2 0l2.5-2.5a3 3 0 0 0-4.2-4.2l-.9.9" /><path d="M11.5 8.5a3 3 0 0 0-4.2 0L4.8 11A3 3 0 0 0 9 15.2l.9-.9" /></>);
export const EditIcon = icon(<path d="m4 16 .8-3.2L13 4.6a1.6 1.6 0 0 1 2.4 2.4L7.2 15.2z" />);
export const TrashIcon = icon(<><path d="M4 6h12" /><path d="M8 6V4h4v2" /><path d="m5.5 6 .8 10h7.4l.8-10" /></>);
export const WarnIcon = icon(<><path d="M10 4 2.8 16h14.4z" /><path d="M10 8.5v3.5M10 14.2v.1" /></>);
export const ShareIcon = icon(<><circle cx="5" cy="10" r="2" /><circle cx="14.5" cy="5" r="2" /><circle cx="14.5" cy="15" r="2" /><path d="m6.8 9 5.9-3M6.8 11l5.9 3" /></>);
export const KeyboardIcon = icon(<><rect x="2.5" y="5" width="15" height="10" rx="1.6" /><path d="M6 8.5h.01M9 8.5h.01M12 8.5h.01M14.5 8.5h.01M7 12h6" /></>);
export const ImageIcon = icon(<><rect x="3" y="4" width="14" height="12" rx="1.6" /><circle cx="7.3" cy="8.2" r="1.2" /><path d="m4 14.5 4-3.8 2.5 2.3 2.8-3L17 13.5" /></>);
export const OfflineIcon = icon(<><path d="M3 3l14 14" /><path d="M5.5 11.5A6.5 6.5 0 0 1 8 9.9M3 8.5a10 10 0 0 1 3-2M10 6a10 10 0 0 1 7 2.5M12.5 10.2c.7.3 1.4.8 2 1.3" /><path d="M10 15h.01" /></>);
export const MoreIcon = icon(<path d="M5 10h.01M10 10h.01M15 10h.01" strokeWidth="2.6" />);
