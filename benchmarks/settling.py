"""An evening's queue settled on the review page, in a real browser, by keyboard alone.

A made-up coordinator reads each page and decides by the rule in `judge`, from nothing but what stands there;
only afterwards is that compared with what would have been right. So the figures tell how much a page shows
that is needed for deciding, not how well a rule can be made to fit.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.evening import EVENING, Entry, Sort, evening
from tests.browser.chromium import find_or_install
from tests.browser.conftest import CHROMIUM_ARGUMENTS, DESKTOP
from tests.browser.site import Site, running_site

QUEUE: Final = "/admin/signatories/signatory/"
# What makes the coordinator take an entry for a fake; any other caution is thought over and let pass.
TELLING: Final = (
    "a provider of throw-away addresses",
    "Letters of scripts that look alike",
    "There is a web address in the name",
    "The organisation's name is the contact's own",
    "The name may be a person's",
    "sent within three seconds",
)
ALREADY, NO_ORGANIZATION, UNVERIFIED, SPELLING = (
    "Has signed already",
    "Not an organisation",
    "Could not be verified",
    "Check the spelling",
)


@dataclass(frozen=True)
class Like:
    """A row of the table of likely duplicates, as it stands on the page."""

    line: str
    website: str
    state: str
    how_alike: str

    @property
    def is_probably_the_same(self) -> bool:
        return self.how_alike.startswith(("the same", "probably the same"))


@dataclass(frozen=True)
class Shown:
    """What the page shows of an entry."""

    reference: str
    line: str
    email: str
    cautions: list[str]
    likes: list[Like]


@dataclass(frozen=True)
class Decision:
    """What the coordinator does: `key` opens or does it, `saved` is a saved reason's title."""

    key: str
    saved: str = ""


TAKE_SPELLING: Final = "t"

READ: Final = """() => {
  const text = (node) => node?.innerText.trim() ?? "";
  const facts = Object.fromEntries([...document.querySelectorAll(".desk-facts > div")].map(
    (row) => [text(row.querySelector("dt")), text(row.querySelector("dd"))]));
  return {
    reference: facts["Reference"],
    email: facts["E-mail address"],
    line: text(document.querySelector("#desk-heading")),
    cautions: [...document.querySelectorAll(".desk-signals .desk-caution")].map(text),
    likes: [...document.querySelectorAll(".desk-same tbody tr")].slice(1).map((row) => {
      const [line, website, , state, how_alike] = [...row.querySelectorAll("td")].map(text);
      return { line, website, state, how_alike };
    }),
  };
}"""


def judge(shown: Shown) -> Decision:
    """A careful but hurried coordinator's rule."""
    if any(_is_twin(shown, like) for like in shown.likes):
        return Decision("x", ALREADY)
    if any(telling in caution for telling in TELLING for caution in shown.cautions):
        says_person = any("name" in caution for caution in shown.cautions)
        return Decision("x", NO_ORGANIZATION if says_person else UNVERIFIED)
    if any(_signed_for_several(caution) for caution in shown.cautions):
        return Decision("x", UNVERIFIED)
    if any(_has_other_spelling(shown, like) for like in shown.likes):
        # Who can be asked is asked; for the others the registry's spelling is taken.
        return Decision("r", SPELLING) if "@" in shown.email else Decision(TAKE_SPELLING)
    return Decision("a")


def _is_twin(shown: Shown, like: Like) -> bool:
    """Whether the organisation is on the list already. What only waits came later: its turn will come."""
    if not like.state.startswith("Approved"):
        return False
    return like.is_probably_the_same or (
        "the same website" in like.how_alike and not _is_branch(shown.line, like.line)
    )


def _is_branch(line: str, of: str) -> bool:
    """Whether a line is another with a word or two more."""
    return set(_name(of).split()) < set(_name(line).split())


def _has_other_spelling(shown: Shown, like: Like) -> bool:
    return (
        like.state == "in the registry"
        and like.is_probably_the_same
        and _name(shown.line).casefold() != like.line.casefold()
    )


def _signed_for_several(caution: str) -> bool:
    return "The same address signed for" in caution and "for 1 other" not in caution


def _name(line: str) -> str:
    """A line without its countries."""
    return line.rpartition(" (")[0] or line


# --- At the keyboard ------------------------------------------------------------


@dataclass
class Settled:
    """What was pressed for one entry, and what came of it."""

    shown: Shown
    decision: Decision
    keys: int


@dataclass
class Sitting:
    """One evening at the keyboard: everything decided, and how long server and browser took."""

    entries: dict[str, Entry]
    settled: list[Settled] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def keys_of(self, *sorts: Sort) -> float:
        """Keystrokes per decision."""
        keys = [each.keys for each in self.settled if self.entry_of(each).sort in sorts]
        return sum(keys) / len(keys) if keys else 0.0

    def entry_of(self, each: Settled) -> Entry:
        return self.entries[each.shown.reference]

    def is_right(self, each: Settled) -> bool:
        """Whether the entry came to what would have been right, as the database has it afterwards."""
        entry = self.entry_of(each)
        state = self.states[each.shown.reference]
        match entry.sort:
            case Sort.CLEAR:
                return state == "approved"
            case Sort.DUPLICATE:
                return state == "rejected" and each.decision.saved == ALREADY
            case Sort.FAKE:
                return state == "rejected"
            case Sort.MISSPELT:
                is_corrected = self.names[each.shown.reference] == entry.meant
                return state == "returned" or (state == "approved" and is_corrected)

    def wrong(self) -> list[Settled]:
        return [each for each in self.settled if not self.is_right(each)]


def settle(browser: Browser, site: Site, count: int) -> Sitting:
    """Bring an evening to the site and decide about all of it."""
    made = json.loads(
        _manage(site, f"from benchmarks.evening import fill; print(json.dumps(fill({count})))")
    )
    sitting = Sitting(dict(zip(made["references"], evening(count).entries, strict=True)))
    context = browser.new_context(base_url=site.url, locale="en-GB", viewport=DESKTOP)
    page = context.new_page()
    _log_in(page)
    page.goto(f"{QUEUE}review/?letter={made['letter']}", wait_until="domcontentloaded")
    start = time.perf_counter()
    while page.locator("[name=entry]").count():
        sitting.settled.append(_settle_one(page))
        if len(sitting.settled) > count:
            raise AssertionError("an entry that was decided comes again")
    sitting.seconds = time.perf_counter() - start
    context.close()
    rows = json.loads(
        _manage(
            site,
            "from signatories.models import Signatory; "
            f"rows = Signatory.objects.filter(letter={made['letter']}); "
            "print(json.dumps(list(rows.values_list('reference', 'state', 'name'))))",
        )
    )
    sitting.states = {reference: state for reference, state, _name in rows}
    sitting.names = {reference: name for reference, _state, name in rows}
    return sitting


def _settle_one(page: Page) -> Settled:
    read = page.evaluate(READ)
    shown = Shown(**{**read, "likes": [Like(**like) for like in read["likes"]]})
    decision = judge(shown)
    if decision.saved:
        page.keyboard.press(decision.key)
        _go(page, _key_of(page, decision.saved))
        return Settled(shown, decision, keys=2)
    _go(page, decision.key)
    if decision.key != TAKE_SPELLING:
        return Settled(shown, decision, keys=1)
    # The entry, shown again under the other spelling, is approved.
    _go(page, "a")
    return Settled(shown, decision, keys=2)


def _key_of(page: Page, saved: str) -> str:
    """The key that stands on a saved reason's button."""
    button = page.locator("details[open] button[data-key]", has_text=saved)
    return button.locator("kbd").inner_text()


def _go(page: Page, key: str) -> None:
    with page.expect_navigation(wait_until="domcontentloaded"):
        page.keyboard.press(key)


def _log_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill("demo")
    page.get_by_label("Password").fill("demo")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector("#user-tools")


def _manage(site: Site, code: str) -> str:
    return site.manage("shell", "-v0", "-c", f"import json; {code}").splitlines()[-1]


# --- The report -----------------------------------------------------------------


def print_report(sitting: Sitting) -> None:
    """Keystrokes per decision and right decisions of each sort, and what was decided wrongly."""
    count = len(sitting.settled)
    print(f"{'':<58} {'entries':>9} {'keys each':>9} {'right':>9}")
    for title, sorts in [
        ("clear ones, at most 2 keys", (Sort.CLEAR,)),
        ("duplicates", (Sort.DUPLICATE,)),
        ("fakes", (Sort.FAKE,)),
        ("misspelt ones", (Sort.MISSPELT,)),
        ("all together", tuple(Sort)),
    ]:
        of = [each for each in sitting.settled if sitting.entry_of(each).sort in sorts]
        right = sum(sitting.is_right(each) for each in of)
        print(f"{title:<58} {len(of):>9} {sitting.keys_of(*sorts):>9.2f} {right:>9}")
    print(
        f"{count} decisions in {sitting.seconds:.0f} s of server and browser: "
        f"{count / sitting.seconds * 60:.0f} a minute, {sitting.seconds / count * 1000:.0f} ms each"
    )
    flagged = [
        each
        for each in sitting.settled
        if any(_is_twin(each.shown, like) for like in each.shown.likes)
    ]
    hits = sum(sitting.entry_of(each).sort == Sort.DUPLICATE for each in flagged)
    of = sum(entry.sort == Sort.DUPLICATE for entry in sitting.entries.values())
    print(
        f"the page showed the twin on the list of {hits} of {of} duplicates, missed {of - hits}; "
        f"it showed one of {len(flagged) - hits} other entries"
    )
    for each in sorted(sitting.wrong(), key=lambda each: sitting.entry_of(each).sort):
        entry = sitting.entry_of(each)
        done = each.decision.saved or (
            "corrected" if each.decision.key == TAKE_SPELLING else "approved"
        )
        print(f"  not right: {entry.sort}, {entry.how}: “{entry.name}” ({done})")


def main(count: int = EVENING) -> None:
    with (
        TemporaryDirectory(prefix="undersigned-bench-") as folder,
        running_site(Path(folder)) as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_or_install(), args=CHROMIUM_ARGUMENTS
        )
        sitting = settle(browser, site, count)
        browser.close()
    print_report(sitting)


if __name__ == "__main__":
    main()
