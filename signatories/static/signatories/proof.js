// Has the sum done that a held sign-on asks for, and then sends the form.
// Whatever is missing here, the page's own words lead on: to wait, and to press the button.

function prove(form) {
  const { proof, bits, worker: url, busy, done, progress } = form.dataset;
  const worker = new Worker(url);
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  const bar = document.createElement("progress");
  bar.className = "proof-progress";
  bar.setAttribute("aria-label", progress);
  bar.max = 1;
  bar.value = 0;
  form.append(status, bar);
  const withoutUs = (isShown) => {
    for (const element of form.querySelectorAll("[data-without]")) element.hidden = !isShown;
    bar.hidden = isShown;
  };

  worker.addEventListener("message", ({ data: { tries, nonce } }) => {
    // How likely it was to be done by now.
    bar.value = 1 - Math.exp(-tries / 2 ** bits);
    if (nonce === undefined) return;
    bar.value = 1;
    status.textContent = done;
    form.elements.nonce.value = nonce;
    // What went wrong once may go wrong again and again: then a person is to press the button.
    if ("byHand" in form.dataset) form.querySelector("button").hidden = false;
    else form.submit();
  });
  worker.addEventListener("error", (error) => {
    error.preventDefault(); // nobody has to do anything about it
    status.textContent = "";
    withoutUs(true);
  });
  withoutUs(false);
  worker.postMessage({ challenge: proof, bits: Number(bits) });
  // An empty region that is filled is read out, one that comes with its words is not.
  setTimeout(() => {
    if (!bar.hidden && !status.textContent) status.textContent = busy;
  }, 100);
}

for (const form of document.querySelectorAll("form[data-proof]")) prove(form);
