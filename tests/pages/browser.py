"""What tests look at pages with: a tab that hears what a browser complains of, and how pages are waited for."""

import time

WATCH = (
    "addEventListener('securitypolicyviolation', (event) => (window.violations ??= []).push(event.violatedDirective))"
)
#: How many pixels of a canvas have a colour of the page's style.
PIXELS = """([canvas, name]) => {
  const [red, green, blue] = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`)
    .match(/[0-9a-f]{2}/g).map((part) => parseInt(part, 16));
  const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const context = copy.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 12) count += 1;
  }
  return count;
}"""
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Looker:
    """Opens pages, and hears what browsers complain of."""

    def __init__(self, browser):
        self.browser, self.heard, self.asked = browser, [], []

    def open(self, path, width=1280, height=900, scheme="light", **options):
        """A page, drawn."""
        size = {"width": width, "height": height}
        context = self.browser.new_context(viewport=size, color_scheme=scheme, **options)
        context.set_default_timeout(120_000)  # of a machine that is busy
        tab = context.new_page()
        tab.add_init_script(WATCH)
        tab.on("console", lambda message: self.heard.append(message.text))
        tab.on("pageerror", lambda error: self.heard.append(str(error)))
        tab.on("dialog", lambda dialog: self.heard.append(dialog.message) or dialog.dismiss())
        tab.on("request", lambda request: self.asked.append(request.url))
        tab.goto(path.as_uri())
        tab.evaluate(NEXT_FRAME)
        return tab


def pixels(tab, colour, canvas="#chart canvas"):
    return tab.evaluate(PIXELS, [tab.query_selector(canvas), colour])


def wait_until(tab, condition, *args, timeout=120):
    """Asks until it is so. Playwright's own wait asks a second time from within the page, whose policy forbids that."""
    end = time.monotonic() + timeout
    while not tab.evaluate(condition, *args):
        assert time.monotonic() < end, condition
        tab.evaluate(NEXT_FRAME)


def view(tab):
    return tab.evaluate("[chart.from, chart.to]")
