// Starts the app. A file of its own because the content policy allows no inline script.
import init from "/ui.js";

init({ module_or_path: "/ui_bg.wasm" }).catch((error) => {
  const note = document.createElement("p");
  note.className = "boot-failed";
  note.textContent = `The dashboard could not start: ${error}. Reload the page; the proxy keeps working meanwhile.`;
  document.body.append(note);
});
