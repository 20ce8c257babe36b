"""How a letter meets a reader on a slow phone: what the first view weighs, its largest paint, Lighthouse's scores.

On the running product with the demo's 33 signatories, and with 5,000. Lighthouse comes from npm and needs Node.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

from playwright.sync_api import Browser, sync_playwright

from benchmarks.names import made_up
from tests.browser.chromium import find_or_install
from tests.browser.conftest import CHROMIUM_ARGUMENTS
from tests.browser.site import running_site

COUNTS: Final = (33, 5000)
LIGHTHOUSE: Final = "lighthouse@13"
CATEGORIES: Final = ("performance", "accessibility", "best-practices", "seo")
# Near Chromium's "slow 3G": milliseconds there and back, bytes a second.
LATENCY, THROUGHPUT = 400, 50 * 1024
CPU_SLOWED: Final = 4
VISITS: Final = 5
PHONE: Final = {"width": 390, "height": 844}
LARGEST_PAINT: Final = """
window.largestPaint = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.largestPaint = entry.startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
"""


def main() -> None:
    chromium = find_or_install()
    with tempfile.TemporaryDirectory(prefix="undersigned-bench-") as folder:
        lighthouse = _lighthouse(Path(folder))
        for count in COUNTS:
            place = Path(folder) / str(count)
            place.mkdir()
            with running_site(place) as site:
                if count > COUNTS[0]:
                    _fill(site.manage, Path(folder), count - COUNTS[0])
                url = f"{site.url}/no-veto/"
                print(f"\n{count:,} signatories", flush=True)
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(
                        executable_path=chromium, args=CHROMIUM_ARGUMENTS
                    )
                    visits = [_visit(browser, url) for _visit_number in range(VISITS)]
                    browser.close()
                paints = sorted(paint for paint, _weight in visits)
                print(f"first view: {visits[0][1] / 1024:.1f} KiB over the wire")
                print(
                    f"largest paint at {LATENCY} ms, {THROUGHPUT // 1024} KiB/s, CPU slowed {CPU_SLOWED} times: "
                    f"{paints[0]:.0f} {median(paints):.0f} {paints[-1]:.0f} ms (min, median, max)"
                )
                if lighthouse:
                    print(f"Lighthouse: {_scores(lighthouse, chromium, url, Path(folder))}")


def _fill(manage: Any, folder: Path, count: int) -> None:
    from letter.countries import country_name

    names = islice(made_up(random.Random(4)), count)  # noqa: S311  the same list each time
    rows = [f"{made.name} ({country_name(made.country)})" for made in names]
    (folder / "list.txt").write_text("\n".join(rows), encoding="utf-8")
    manage("import_signatories", "no-veto", str(folder / "list.txt"), "--approve")


def _visit(browser: Browser, url: str) -> tuple[float, int]:
    """Milliseconds to the largest paint, and bytes over the wire, before anybody touches the page."""
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]  # a viewport
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
    )
    page = context.new_page()
    session = context.new_cdp_session(page)
    weight = 0

    def add(event: dict[str, Any]) -> None:
        nonlocal weight
        weight += int(event["encodedDataLength"])

    session.on("Network.loadingFinished", add)
    session.send("Network.enable")
    limits = {"latency": LATENCY, "downloadThroughput": THROUGHPUT, "uploadThroughput": THROUGHPUT}
    session.send("Network.emulateNetworkConditions", {"offline": False, **limits})
    session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWED})
    page.add_init_script(LARGEST_PAINT)
    page.goto(url, wait_until="load", timeout=120_000)
    page.wait_for_timeout(1500)
    paint = float(page.evaluate("window.largestPaint"))
    context.close()
    return paint, weight


def _lighthouse(folder: Path) -> str | None:
    """The program, installed for this run; None, and a sentence, where that cannot be."""
    npm = shutil.which("npm")
    if npm is None:
        print("Lighthouse is left out: it needs Node with npm (on Debian: apt install npm).")
        return None
    installing = subprocess.run(
        [npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), LIGHTHOUSE],
        capture_output=True,
        text=True,
        check=False,
    )
    if installing.returncode:
        print(f"Lighthouse is left out: npm could not install it.\n{installing.stderr[-500:]}")
        return None
    return str(folder / "node_modules/.bin/lighthouse")


def _scores(program: str, chromium: str, url: str, folder: Path) -> str:
    result = folder / "lighthouse.json"
    flags = " ".join(["--headless", *CHROMIUM_ARGUMENTS])
    done = subprocess.run(
        [
            program, url, "--quiet", "--output=json", f"--output-path={result}",
            f"--chrome-flags={flags}", f"--only-categories={','.join(CATEGORIES)}",
        ],
        env={**os.environ, "CHROME_PATH": chromium},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        return f"did not end well: {done.stderr[-300:]}"
    found = json.loads(result.read_text(encoding="utf-8"))["categories"]
    scores = {name: found[name]["score"] for name in CATEGORIES}
    return ", ".join(
        f"{name} {'not to be told' if score is None else round(score * 100)}"
        for name, score in scores.items()
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    sys.exit(main())
