// Shows a letter on another site: <script async src="…/embed.js" data-letter="its-address"></script>
// puts a frame beside itself, in the language of the page it stands in, as high as what is in it.
"use strict";

(() => {
  const script = document.currentScript;
  const source = new URL(script.src);
  const language = script.closest("[lang]")?.lang ?? "";
  const frame = document.createElement("iframe");
  frame.src = `${source.origin}/${encodeURIComponent(script.dataset.letter)}/embed/?language=${encodeURIComponent(language)}`;
  frame.title = script.dataset.title ?? "Open letter";
  frame.width = "100%";
  frame.height = "400";
  frame.style.border = "0";
  frame.style.display = "block";

  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.origin !== source.origin) return;
    const { height, title } = event.data ?? {};
    if (Number.isFinite(height)) frame.height = String(Math.min(Math.max(Math.ceil(height), 100), 4000));
    if (typeof title === "string" && title) frame.title = title;
  });
  script.after(frame);
})();
