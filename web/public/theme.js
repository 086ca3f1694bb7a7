// Runs before the first paint, so that somebody who chose a theme never sees the other one flash.
try {
  const theme = localStorage.getItem("clipsy.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage: the system's theme it is.
}
