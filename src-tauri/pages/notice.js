// Says what the app has to say instead of the dashboard, and offers the one thing that helps.
const { invoke } = window.__TAURI_INTERNALS__;
const [title, text, button] = ["h1", "p", "button"].map((name) => document.querySelector(name));

async function show() {
  const notice = JSON.parse(await invoke("notice"));
  title.textContent = notice.title;
  text.textContent = notice.text;
  button.textContent = notice.action;
}

button.addEventListener("click", async () => {
  button.disabled = true;
  await invoke("act");
  button.disabled = false;
});
await show();
await invoke("ready");
// What is said changes: calls end, another try fails in another way.
setInterval(show, 250);
