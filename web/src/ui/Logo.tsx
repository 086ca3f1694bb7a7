/** Four rungs in the shape of a play button: a ladder of qualities. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" width="26" height="26" aria-hidden="true" className={className}>
      <g stroke="var(--accent)" strokeWidth="3" strokeLinecap="round">
        <path d="M5 4.5h4" />
        <path d="M5 9.5h12" />
        <path d="M5 14.5h12" />
        <path d="M5 19.5h4" />
      </g>
    </svg>
  );
}
