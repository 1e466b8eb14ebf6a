"""Looks at a site in a browser, as wide as a desktop and as a phone: look.py FOLDER CHROMIUM [SCREENSHOTS].

Fails where a page is wider than the screen, asks another host, lacks an image, or has an error, and where search finds nothing."""

import functools
import http.server
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

folder, chromium, *screenshots = sys.argv[1:]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-proxy-server"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_port}/"
pages = sorted(page.parent.relative_to(folder).as_posix() for page in Path(folder).rglob("index.html"))
problems = []


def look(browser, width, height):
    page = browser.new_page(viewport={"width": width, "height": height})
    page.on("request", lambda r: r.url.startswith((origin, "data:", "blob:")) or problems.append(f"asks {r.url}"))
    page.on("response", lambda r: r.status < 400 or problems.append(f"{r.url}: {r.status}"))
    page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
    for name in pages:
        page.goto(origin + name, wait_until="load")
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            problems.append(f"{name} is {wide} wide on a screen of {width}")
        if page.evaluate("[...document.images].some(i => i.complete && !i.naturalWidth)"):
            problems.append(f"{name} lacks an image")
        if screenshots:
            shot = Path(screenshots[0]) / f"{width}-{name.replace('/', '-')}.png"
            page.screenshot(path=shot, animations="disabled")
    page.goto(origin)
    if width < 1000:
        page.click("label.md-header__button[for=__search]")
    page.click(".md-search__input")
    page.keyboard.type("outage")
    page.wait_for_selector(".md-search-result__item a")
    page.close()


with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    look(browser, 1280, 800)
    look(browser, 390, 844)
    browser.close()

print(f"{len(pages)} pages, looked at twice")
sys.exit("\n".join(problems) or 0)
