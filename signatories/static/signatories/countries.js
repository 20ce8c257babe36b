// One search field for several countries, in place of the lists that work without it.
//
// The pattern is the editable combobox with list autocomplete of the WAI-ARIA Authoring Practices:
// focus stays in the field, aria-activedescendant points into the list. What is sent is the same as
// before: one value under the same name for each country, in the order given. All words come from
// the template's data attributes, so that they are translated with the rest.

// "Côte d’Ivoire" is found by "cote divoire", "São Tomé" by "sao tome".
const fold = (text) =>
  text
    .normalize("NFKD")
    .replace(/[\p{M}'’‘ʼ.]/gu, "")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim()
    .toLowerCase()
    .replace(/\bst\b/g, "saint");

const fill = (template, values) => template.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);

const make = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

// The smaller, the better the match; undefined is none.
function rank(country, query) {
  if (country.folded === query || country.terms.includes(query)) return 0;
  // A short word is an abbreviation: "uk" is not meant to find Ukraine first.
  if (query.length < 5 && ` ${country.others} `.includes(` ${query} `)) return 0;
  if (country.folded.startsWith(query)) return 1;
  if (country.folded.includes(` ${query}`)) return 2;
  if (` ${country.others}`.includes(` ${query}`)) return 3;
  if (query.length > 2 && country.folded.includes(query)) return 4;
  return undefined;
}

function enhance(root) {
  const selects = [...root.querySelectorAll("select")];
  const words = root.dataset;
  const { id, name } = selects[0];
  const countries = [...selects[0].options]
    .filter((option) => option.value)
    .map((option) => ({
      code: option.value,
      name: option.text,
      folded: fold(option.text),
      others: fold(option.dataset.terms || ""), // "usa united states of america"
      terms: (option.dataset.terms || "").split("|").map(fold),
    }));
  const byCode = new Map(countries.map((country) => [country.code, country]));
  let chosen = [...new Set(selects.map((select) => select.value))].filter((code) => byCode.has(code));
  let matches = [];
  let active = -1;

  const list = make("ul", { class: "countries-list", id: `${id}_list`, role: "listbox", "aria-label": words.listLabel });
  list.hidden = true;
  const input = make("input", {
    id,
    // Sent along, so that what was typed and not chosen is asked about and not lost.
    name: `${name}_typed`,
    value: words.typed || "",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
  });
  for (const attribute of ["aria-invalid", "aria-describedby"]) {
    const value = selects[0].getAttribute(attribute);
    if (value) input.setAttribute(attribute, value);
  }
  const label = make("label", { class: "countries-label", for: id }, words.searchLabel);
  const chips = make("ol", { class: "countries-chosen", "aria-label": words.chosenLabel });
  const status = make("p", { class: "countries-status", role: "status" });
  const search = make("div", { class: "countries-search" }, label, input, list);

  // What is announced is also shown only where a sighted person needs it: when nothing was found.
  const spoken = make("p", { class: "unseen", role: "status" });
  const say = (text) => {
    spoken.textContent = text;
  };

  function showChosen() {
    chips.replaceChildren(
      ...chosen.map((code) => {
        const country = byCode.get(code);
        const remove = make("button", { class: "countries-remove", type: "button" }, "×");
        remove.setAttribute("aria-label", fill(words.remove, { country: country.name }));
        remove.addEventListener("click", () => {
          const at = chosen.indexOf(code);
          drop(code);
          // Focus goes to the neighbour, not to the top of the page.
          const left = chips.querySelectorAll("button");
          (left[Math.min(at, left.length - 1)] || input).focus();
        });
        return make(
          "li",
          { class: "countries-chip" },
          make("span", {}, country.name),
          make("input", { type: "hidden", name, value: code }),
          remove,
        );
      }),
    );
    // An empty list has no role to name.
    chips.hidden = chosen.length === 0;
  }

  function add(code) {
    chosen = [...chosen, code];
    showChosen();
    say(fill(words.added, { country: byCode.get(code).name }));
    input.value = "";
    status.textContent = "";
    close();
  }

  function drop(code) {
    chosen = chosen.filter((other) => other !== code);
    showChosen();
    say(fill(words.removed, { country: byCode.get(code).name }));
  }

  function find(query) {
    const free = countries.filter((country) => !chosen.includes(country.code));
    if (!query) return free;
    return free
      .map((country) => ({ country, rank: rank(country, query) }))
      .filter((found) => found.rank !== undefined)
      .sort((one, other) => one.rank - other.rank) // stable: the alphabet within a rank
      .map((found) => found.country);
  }

  function open({ first }) {
    const query = fold(input.value);
    matches = find(query);
    status.textContent =
      query && matches.length === 0 ? fill(words.none, { query: input.value.trim() }) : "";
    list.replaceChildren(
      ...matches.map((country, index) => {
        const option = make(
          "li",
          { class: "countries-option", id: `${id}_${country.code}`, role: "option", "aria-selected": "false" },
          country.name,
        );
        option.addEventListener("click", () => add(matches[index].code));
        return option;
      }),
    );
    list.hidden = matches.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    list.scrollTop = 0;
    activate(first && matches.length ? 0 : -1);
    if (query && matches.length) {
      say(matches.length === 1 ? words.foundOne : fill(words.found, { count: matches.length }));
    }
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    activate(-1);
  }

  function activate(index) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = index;
    const option = list.children[index];
    if (!option) {
      input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest", behavior: "instant" });
    input.setAttribute("aria-activedescendant", option.id);
  }

  function move(step) {
    if (list.hidden) {
      open({ first: false });
      activate(step > 0 ? 0 : matches.length - 1);
    } else {
      activate((active + step + matches.length) % matches.length);
    }
  }

  input.addEventListener("input", () => {
    if (fold(input.value)) open({ first: true });
    else {
      status.textContent = "";
      close();
    }
  });
  input.addEventListener("click", () => {
    if (list.hidden) open({ first: Boolean(fold(input.value)) });
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") {
      // Never sends the form from here: one Enter too many would sign.
      if (!list.hidden && active >= 0) add(matches[active].code);
    } else if (event.key === "Escape" && !list.hidden) close();
    else if (event.key === "Escape" && input.value) {
      input.value = "";
      status.textContent = "";
    } else if (event.key === "Backspace" && input.value === "" && chosen.length) drop(chosen.at(-1));
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", () => {
    // A name typed out in full counts as chosen; anything else stays, with a word about it.
    const query = fold(input.value);
    const exact = find(query).filter((country) => country.folded === query || country.terms.includes(query));
    if (query && exact.length === 1) add(exact[0].code);
    else if (query) status.textContent = fill(words.none, { query: input.value.trim() });
    close();
  });
  // A press on the list must not take the focus out of the field.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("mousedown", (event) => event.preventDefault());

  showChosen();
  root.replaceChildren(chips, search, status, spoken);
}

for (const root of document.querySelectorAll("[data-countries]")) enhance(root);
