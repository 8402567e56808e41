"""Opens pages in headless Chromium, sorts and filters every table, turns light to dark, and fails on any fault.

    browser.py [--screenshots FOLDER] PAGE.html...

Needs `playwright`, and Chromium's path in CHROMIUM where it is not /usr/bin/chromium.
"""

import argparse
import os
import pathlib
import sys

from playwright.sync_api import sync_playwright


# Sorts each column of a table, up and down, and says what is wrong: values out of order (those without a number belong at the
# end), rows that are lost, a head that does not say it.
SORT = """(table) => {
    const faults = [];
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, index) => {
        const numeric = head.classList.contains("n");
        const value = (c) => (numeric ? ("v" in c.dataset ? Number(c.dataset.v) : null) : c.textContent);
        const values = () => [...table.tBodies[0].rows].map((row) => value(row.cells[index]));
        const order = (a, b) => (numeric ? a - b : a.localeCompare(b, "en", { numeric: true }));
        const before = values().map(String).sort().join();
        for (const direction of ["ascending", "descending"]) {
            head.querySelector("button").click();
            const now = values();
            const known = now.filter((v) => v !== null);
            const sign = direction === "ascending" ? 1 : -1;
            const sorted = known.every((v, i) => i === 0 || sign * order(known[i - 1], v) <= 0);
            const last = now.slice(0, known.length).every((v) => v !== null);
            const said = head.getAttribute("aria-sort") === direction && heads.filter((h) => h.hasAttribute("aria-sort")).length === 1;
            if (!sorted || !last || !said || now.map(String).sort().join() !== before) {
                faults.push(`column ${head.textContent}, ${direction}: ${JSON.stringify(now)}`);
            }
        }
    });
    return faults;
}"""


def sort_tables(page):
    """Sorts each column of each table, and the first column by mouse and by keyboard. Gives how many columns."""
    count = 0
    for table in page.query_selector_all("table"):
        faults = table.evaluate(SORT)
        assert not faults, "; ".join(faults)
        head = table.query_selector("thead th")
        head.query_selector("button").click()
        assert head.get_attribute("aria-sort") == "ascending", "a click sorts"
        head.query_selector("button").focus()
        page.keyboard.press("Enter")
        assert head.get_attribute("aria-sort") == "descending", "Enter turns it round"
        count += len(table.query_selector_all("thead th"))
    return count


def filter_tables(page):
    """Types into each search field; rows without the text go, and come back."""
    fields = page.query_selector_all("input[type=search]")
    for field in fields:
        rows = field.evaluate_handle("field => field.parentElement.querySelectorAll('tbody tr')")
        shown = "rows => [...rows].filter((row) => row.offsetParent !== null).length"
        every = rows.evaluate(shown)
        field.fill("no row says this")
        assert rows.evaluate(shown) == 0, "nothing is found"
        field.fill("")
        assert rows.evaluate(shown) == every, "all are back"
    return len(fields)


def turn(page):
    """Turns light to dark and back."""
    ground = "() => getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.focus("#theme")
    page.keyboard.press("Enter")
    assert page.evaluate(ground) != before, "the ground changes"
    page.click("#theme")
    assert page.evaluate(ground) == before, "and changes back"


def pictures(page):
    """Opens the drawings; each is there, and its style stays with it."""
    drawings = page.query_selector_all(".picture")
    for drawing in drawings:
        drawing.evaluate("drawing => { drawing.open = true; }")
        size = drawing.evaluate(
            """drawing => {
                const host = [...drawing.querySelectorAll("div")].find((d) => d.shadowRoot);
                return host ? host.shadowRoot.querySelector("svg").getBoundingClientRect().width : 0;
            }"""
        )
        assert size > 100, "a drawing is drawn"
    sheets = page.evaluate("() => document.styleSheets.length")
    assert sheets == 1, "the page has one style, its own"
    return len(drawings)


# The left edge of the first column of numbers, of the first table that has one.
FIRST_FIGURE = """() => {
    const cell = document.querySelector("tbody td.n");
    return cell ? cell.closest("tr").querySelector("td.n").getBoundingClientRect().right : 0;
}"""


def phone(browser, path, screenshots):
    """On a phone nothing is wider than the screen but what scrolls by itself, and the first table shows a figure."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(path.as_uri())
    if screenshots:
        page.screenshot(path=screenshots / f"{path.stem}-phone.png", full_page=True)
    width, figure = page.evaluate("() => document.documentElement.scrollWidth"), page.evaluate(FIRST_FIGURE)
    page.close()
    faults = [f"the page is {width} wide on a phone"] if width > 390 else []
    return faults + ([f"the first figure ends at {figure} on a phone"] if figure > 390 else [])


def check(browser, path, screenshots):
    """Checks one page; gives its faults."""
    faults = phone(browser, path, screenshots)
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
        page.on("console", lambda m: faults.append(f"console: {m.text}") if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: faults.append(f"error: {e}"))
        page.on("request", lambda r: None if r.url.startswith(("file:", "about:")) else faults.append(f"fetched {r.url}"))
        page.on("dialog", lambda d: (faults.append("a script of the report ran"), d.dismiss()))
        page.goto(path.as_uri())
        if screenshots:
            pictures(page)
            page.screenshot(path=screenshots / f"{path.stem}-{scheme}.png", full_page=True)
        try:
            drawn, fields = pictures(page), filter_tables(page)
            turn(page)
            # Order has no colour: once is enough.
            columns = sort_tables(page) if scheme == "light" else 0
            assert columns > 0 or scheme == "dark", "there are tables"
            assert not page.evaluate("() => 'pwned' in window"), "no script of the report ran"
            print(f"{path.name}, {scheme}: {columns} columns sorted, {fields} filters, {drawn} drawings")
        except AssertionError as fault:
            faults.append(f"{fault}")
        page.close()
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(path.as_uri())
    if not plain.locator("table").first.is_visible() or plain.locator("#theme").is_visible():
        faults.append("without scripts the tables are there, and the buttons are not")
    return faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screenshots", type=pathlib.Path)
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    if args.screenshots:
        args.screenshots.mkdir(parents=True, exist_ok=True)
    bad = False
    with sync_playwright() as p:
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in args.pages:
            for fault in check(browser, path.resolve(), args.screenshots):
                print(f"{path.name}: {fault}", file=sys.stderr)
                bad = True
        browser.close()
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
