"""Time a page of `bptt export --to html` in Chromium: first paint, and from a key to the bars.

python benchmarks/live_page.py PAGE.html    # needs playwright and a Chromium
"""

from __future__ import annotations

import re
import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

# The number of characters before the first key, and of keys that are timed.
_CHARACTERS, _KEYS = 500, 60
_TYPE = """async (keys) => {
  const area = document.getElementById("text");
  const list = document.querySelector(".expected");
  const times = [];
  for (let k = 0; k < keys; ++k) {
    const start = performance.now();
    const shown = new Promise((resolve) => new MutationObserver((_, observer) => {
      observer.disconnect();
      resolve();
    }).observe(list, { childList: true }));
    area.value += "the "[k % 4];
    area.dispatchEvent(new Event("input"));
    await shown;
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return times;
}"""
_PAINT = "performance.getEntriesByType('paint').map((entry) => entry.startTime)"


def main() -> None:
    """Print the measures of the page that is named."""
    path = Path(sys.argv[1]).resolve()
    text = path.read_text(encoding="utf-8")
    found = re.search(r'id="data">([^<]*)<', text)
    assert found is not None
    whole = len(text.encode())
    print(f"{whole:,} bytes, {whole - len(found[1]):,} without the weights")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or playwright.chromium.executable_path,
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-read]")
        print(f"first paint {min(page.evaluate(_PAINT)):.0f} ms")
        before = page.evaluate("document.documentElement.dataset.read")
        page.locator("#text").fill(("The value of the expression is a class. " * 20)[:_CHARACTERS])
        page.wait_for_function("(before) => document.documentElement.dataset.read !== before", arg=before)
        times = page.evaluate(_TYPE, _KEYS)
        print(f"key to bars: least {min(times):.1f} ms, median {statistics.median(times):.1f} ms")
        browser.close()
    others = [url for url in asked if not url.startswith(("file:", "blob:"))]
    print(f"requests: {len(others)}")


if __name__ == "__main__":
    main()
