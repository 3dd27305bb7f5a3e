"""Chromium: the options with which the tests start it, and its pages."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it may be missing: then the tests are skipped
    from playwright.sync_api import Browser, Page

OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def open_page(browser: "Browser", **options: Any) -> Iterator["Page"]:
    """Open a page; any message on its console fails the test that used it."""
    context = browser.new_context(**options)
    page = context.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    yield page
    assert messages == []
    context.close()


def open_everything(page: "Page", cases: int) -> None:
    """Unfold every case of the report's page, and wait until its grids are drawn."""
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.wait_for_function(f"document.querySelectorAll('.formula').length == {cases}")
