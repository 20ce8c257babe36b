// While the organisation's name is typed: says so when that name is already on the public list.
// A courtesy only, so whatever goes wrong passes in silence.

const PAUSE = 400; // milliseconds without a key

function watch(form) {
  const field = document.getElementById(form.dataset.hintField);
  if (!field) return;
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.setAttribute("role", "status");
  field.after(hint);
  let timer;
  let request;

  async function ask() {
    request?.abort();
    const name = field.value.trim();
    if (!name) {
      hint.replaceChildren();
      return;
    }
    request = new AbortController();
    const url = new URL(form.dataset.hintUrl, document.baseURI);
    url.searchParams.set("name", name);
    try {
      const response = await fetch(url, { signal: request.signal, headers: { Accept: "application/json" } });
      const answer = response.ok ? await response.json() : { listed: false };
      if (field.value.trim() === name) show(answer);
    } catch {
      // Offline, aborted by the next key, or no answer that can be read.
    }
  }

  function show(answer) {
    if (!answer.listed) {
      hint.replaceChildren();
      return;
    }
    const link = document.createElement("a");
    // Only an address on this site is followed, whatever the answer says.
    const target = new URL(answer.url, document.baseURI);
    if (target.origin === location.origin) link.href = target.href;
    link.textContent = form.dataset.hintLink.replace("{number}", answer.number);
    hint.replaceChildren(`${answer.message} `, link);
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  if (field.value) ask();
}

for (const form of document.querySelectorAll("[data-hint-url]")) watch(form);
