"""Draws digits on the page in headless Chromium and checks what it says. Needs `playwright`, and Chromium's path in CHROMIUM."""

import functools
import http.server
import os
import pathlib
import sys
import threading

from playwright.sync_api import sync_playwright

FOLDER = pathlib.Path(__file__).parent
# Strokes on the canvas of 256 by 256 pixels.
DIGITS = {
    0: [[(128, 40), (88, 60), (72, 128), (88, 196), (128, 216), (168, 196), (184, 128), (168, 60), (128, 40)]],
    1: [[(100, 80), (140, 40), (140, 216)]],
    7: [[(72, 48), (184, 48), (140, 128), (112, 216)]],
}


class Files(http.server.SimpleHTTPRequestHandler):
    """The folder's files, in silence."""

    def log_message(self, *_):
        pass


def draw(page, strokes):
    box = page.locator("#paper").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x, box["y"] + y) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=5)
        page.mouse.up()


def main():
    handler = functools.partial(Files, directory=FOLDER)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 760, "height": 520})
        faults = []
        page.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: faults.append(str(e)))
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        page.wait_for_selector("html[data-ready]")
        wrong = []
        for digit, strokes in DIGITS.items():
            page.click("#clear")
            draw(page, strokes)
            answer = page.text_content("#answer")
            print(f"a {digit} is drawn: {answer}")
            if answer != f"This is a {digit}.":
                wrong.append(digit)
        if len(sys.argv) > 1:
            page.screenshot(path=sys.argv[1])
        browser.close()
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    sys.exit(1 if wrong or faults else 0)


if __name__ == "__main__":
    main()
