// One key for each decision. Everything it does is a button or a summary on the page.

const typing = "input, textarea, select, [contenteditable]";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter") {
    event.target.closest("details")?.querySelector("[data-sends]")?.click();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    event.target.closest("details")?.removeAttribute("open");
    document.activeElement?.blur();
    return;
  }
  if (event.target.closest(typing)) return;
  const key = event.key.toLowerCase();
  const open = document.querySelector("details[data-saying-no][open]");
  const found = open
    ? open.querySelector(`button[data-key="${CSS.escape(key)}"]`)
    : document.querySelector(`[data-key="${CSS.escape(key)}"]:not(details *), summary[data-key="${CSS.escape(key)}"]`);
  if (open && !found && key.length === 1 && !event.target.closest("a, button, summary")) {
    // Somebody begins to write the reason: the letter is typed there, and decides nothing.
    open.querySelector("textarea").focus();
  }
  if (!found) return;
  event.preventDefault();
  if (found.matches("summary")) {
    for (const other of document.querySelectorAll("details[data-saying-no]")) {
      other.open = other === found.parentElement;
    }
    // Not on a button, which the space bar would press.
    found.parentElement.focus();
  } else {
    // A second press before the next page is there must not decide twice.
    if (document.body.dataset.sent) return;
    document.body.dataset.sent = "1";
    found.click();
  }
});
window.addEventListener("pageshow", () => delete document.body.dataset.sent);
