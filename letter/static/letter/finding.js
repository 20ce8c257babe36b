/* Search as you type in the list, and by country. The numbers stay those of the whole list.
   No module: browsers refuse those on pages that are opened from a disk. */

(() => {
"use strict";

const finder = document.querySelector(".finder");
const lines = [...document.querySelectorAll(".signatories > li")];
const groups = [...document.querySelectorAll(".roll-group")];
const [words, country, reset, said] = ["input", "select", "button", ".finder-said"].map((part) => finder.querySelector(part));

// What no normal form takes apart, and people write either way.
const ALIKE = {
  "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t",
  "ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ـ": "", "’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "‐": "-", "–": "-",
};

/** A text as it is compared: without case, accents, vowel signs, and with one kind of white space. */
const plain = (text) =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[øłđðþßæœıħŧةىیکـ’‘ʼ´`‐–]/gu, (character) => ALIKE[character])
    .replace(/\s+/gu, " ");

const rail = document.querySelector(".rail");
let texts;
let pending;
const numbers = new Map();

/** Once, when somebody first wants to search: thousands of lines are not read for who only reads. */
function prepare() {
  if (texts) return;
  texts = lines.map((line) => plain(line.textContent));
  // What is hidden is not counted, so each says its number itself.
  lines.forEach((line) => (line.value = Number(line.id.slice(1))));
  fetchCountries();
}

async function fetchCountries() {
  try {
    const answer = await fetch(finder.dataset.countries);
    if (!answer.ok) throw new Error(answer.status);
    for (const [code, name, found] of await answer.json()) {
      numbers.set(code || "-", new Set(found));
      // A line may say "USA" where somebody looks for the United States.
      for (const number of found) texts[number - 1] += ` ${plain(name)}`;
      country.add(new Option(`${name} (${found.length.toLocaleString(document.documentElement.lang)})`, code || "-"));
    }
  } catch {
    // The search by words goes on without it.
    country.closest("p").hidden = true;
  }
}

function filter() {
  prepare();
  const wanted = plain(words.value).split(" ").filter(Boolean);
  const within = numbers.get(country.value);
  let shown = 0;
  lines.forEach((line, index) => {
    const fits = (!within || within.has(line.value)) && wanted.every((word) => texts[index].includes(word));
    line.hidden = !fits;
    shown += fits;
  });
  for (const group of groups) {
    group.hidden = ![...group.nextElementSibling.children].some((line) => !line.hidden);
  }
  const isFiltered = wanted.length > 0 || Boolean(within);
  reset.hidden = !isFiltered;
  if (rail) rail.hidden = isFiltered;
  const number = (count) => count.toLocaleString(document.documentElement.lang);
  said.textContent = !isFiltered
    ? ""
    : shown
      ? finder.dataset.said.replace("{shown}", number(shown)).replace("{all}", number(lines.length))
      : finder.dataset.none;
}

function soon() {
  clearTimeout(pending);
  pending = setTimeout(filter, 120);
}

function showAll() {
  clearTimeout(pending);
  words.value = country.value = "";
  filter();
}

finder.hidden = false;
reset.hidden = true;
finder.addEventListener("focusin", prepare, { once: true });
words.addEventListener("input", soon);
words.addEventListener("keydown", (event) => event.key === "Escape" && words.value && (showAll(), event.preventDefault()));
country.addEventListener("change", filter);
reset.addEventListener("click", () => {
  showAll();
  words.focus();
});
// Whoever follows a link to a line sees it.
addEventListener("hashchange", () => {
  const line = document.getElementById(location.hash.slice(1));
  if (!line?.hidden) return;
  showAll();
  line.scrollIntoView();
});
})();
