"""Train cells in the page of `bptt playground` in Chromium: its size, its speed, and the losses reached.

python benchmarks/playground_page.py PAGE.html    # needs playwright and a Chromium
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

# The keys that are timed, and the longest wait for a training in milliseconds.
_KEYS, _LONGEST = 40, 600_000
_PAINT = "performance.getEntriesByType('paint').map((entry) => entry.startTime)"
# A key, and the time until the derivation has changed; typing pauses for 120 ms before it is read.
_TYPE = """async (keys) => {
  const area = document.getElementById("equations");
  const lines = document.querySelector(".lines");
  const times = [];
  for (let k = 0; k < keys; ++k) {
    const start = performance.now();
    const shown = new Promise((resolve) => new MutationObserver((_, observer) => {
      observer.disconnect();
      resolve();
    }).observe(lines, { childList: true }));
    area.value += " ";
    area.dispatchEvent(new Event("input"));
    await shown;
    times.push(performance.now() - start);
  }
  return times;
}"""


def main() -> None:
    """Print the measures of the page that is named."""
    path = Path(sys.argv[1]).resolve()
    print(f"{path.stat().st_size:,} bytes")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or playwright.chromium.executable_path,
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("[data-slot='2'][data-updates='0']")
        print(f"first paint {min(page.evaluate(_PAINT)):.0f} ms")
        print(f"key to derivation: median {statistics.median(page.evaluate(_TYPE, _KEYS)):.0f} ms")
        started = time.perf_counter()
        page.get_by_role("button", name="Train", exact=True).click()
        page.wait_for_selector("html[data-running='false']", timeout=_LONGEST)
        print(f"three cells trained in {time.perf_counter() - started:.0f} s")
        names = page.locator("article h3").all_inner_texts()
        rows = []
        for number in (0, 1):
            figure = page.locator("figure").nth(number)
            figure.get_by_text("Numbers as a table").click()
            figure.locator("tbody tr").first.wait_for()
            lines = [line.split("\t") for line in figure.locator("tbody tr").all_inner_texts()]
            shown = [lines[len(lines) * k // 4] for k in range(4)] if number == 0 else []
            rows += [(("loss at update ", "gradient at lag ")[number], row) for row in [*shown, lines[-1]]]
        print(f"{'':22}{''.join(f'{name:>12}' for name in names)}")
        for what, (at, *numbers) in rows:
            print(f"{what + at:22}{''.join(f'{each:>12}' for each in numbers[: len(names)])}")
        browser.close()
    print(f"requests: {len([url for url in asked if not url.startswith(('file:', 'blob:'))])}")


if __name__ == "__main__":
    main()
