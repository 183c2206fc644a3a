"""Start a browser page on the site, and serve the site without log messages."""

from __future__ import annotations

from http.server import SimpleHTTPRequestHandler

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Print nothing."""


def opened(browser, address, width=1280, mode="light"):
    """Open the page; `asked` lists its requests, `complaints` its console messages and errors."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=mode)
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(address)
    page.wait_for_load_state("load")
    return page
