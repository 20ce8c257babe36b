// Shows what needs passkeys where there are any, and says in words that none was used.

document.addEventListener("DOMContentLoaded", () => {
  if (!window.PublicKeyCredential) return;
  for (const part of document.querySelectorAll("[data-needs-passkeys]")) part.hidden = false;
  for (const part of document.querySelectorAll("[data-without-passkeys]")) part.hidden = true;
});

document.addEventListener("allauth.error", (event) => {
  event.preventDefault(); // It is said on the page, so the console need not.
  for (const trouble of document.querySelectorAll("[data-passkey-trouble]")) trouble.hidden = false;
});

document.getElementById("passkey-use")?.addEventListener("click", () => {
  for (const trouble of document.querySelectorAll("[data-passkey-trouble]")) trouble.hidden = true;
});
