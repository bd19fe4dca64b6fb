// Sets the theme before the first paint. The app takes over from there (src/preferences.rs).
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("llmflow.theme");
  } catch {
    // Storage can be forbidden; the system's choice is good enough then.
  }
  if (theme !== "light" && theme !== "dark") {
    theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = theme;
})();
