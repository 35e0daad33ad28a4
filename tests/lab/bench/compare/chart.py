"""Charts: of one figure, a bar for each server with the range of its rounds; and of
the figures of one axis, a line for each, with two logarithmic axes."""
import dataclasses
import math
from xml.sax.saxutils import escape

WIDTH, NAMES, VALUES, STEP, TOP = 640, 110, 80, 28, 40
OURS, OTHERS, LIMIT, RANGE = "#1f6f8b", "#b8bfc6", "#e3d9b8", "#333333"


@dataclasses.dataclass
class Bar:
    name: str
    median: float
    lowest: float
    highest: float
    is_limit: bool
    is_ours: bool


def element(name, text=None, **attributes):
    words = "".join(f' {key.replace("_", "-")}="{escape(str(value))}"' for key, value in attributes.items())
    return f"<{name}{words}/>" if text is None else f"<{name}{words}>{escape(text)}</{name}>"


def draw_bar(bar, y, scale, number):
    colour = OURS if bar.is_ours else LIMIT if bar.is_limit else OTHERS
    middle = y + STEP // 2 - 4
    ends = [round(NAMES + v * scale, 1) for v in (bar.median, bar.lowest, bar.highest)]
    yield element("text", bar.name + (" (limit)" if bar.is_limit else ""), x=NAMES - 6, y=middle + 4,
                  text_anchor="end")
    yield element("rect", x=NAMES, y=y, width=round(ends[0] - NAMES, 1), height=STEP - 8, fill=colour)
    yield element("line", x1=ends[1], x2=ends[2], y1=middle, y2=middle, stroke=RANGE)
    yield element("text", number(bar.median), x=max(ends[0], ends[2]) + 6, y=middle + 4)


def draw(title, bars, number):
    """The SVG's text. NUMBER writes a value."""
    height = TOP + STEP * len(bars) + 8
    scale = (WIDTH - NAMES - VALUES) / (max(b.highest for b in bars) or 1)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
             f'height="{height}" font-family="sans-serif" font-size="13">',
             element("rect", width=WIDTH, height=height, fill="#ffffff"),
             element("text", title, x=8, y=22, font_weight="bold")]
    for i, bar in enumerate(bars):
        parts += draw_bar(bar, TOP + STEP * i, scale, number)
    return "\n".join(parts + ["</svg>"]) + "\n"


COLOURS = (OURS, "#c8553d", "#5b8c5a", "#7d5ba6")
SIDE, PLOT, BELOW = 70, 300, 40


def decades(values):
    """The whole powers of ten around them."""
    return range(math.floor(math.log10(min(values))), max(math.ceil(math.log10(max(values))),
                                                          math.floor(math.log10(min(values))) + 1) + 1)


class Scale:
    """Places on one axis, from FROM to TO; each decade is as long."""

    def __init__(self, values, start, end):
        self.decades, self.start = decades(values), start
        self.step = (end - start) / (len(self.decades) - 1)

    def place(self, value):
        return round(self.start + (math.log10(value) - self.decades[0]) * self.step, 1)

    def marks(self):
        return [(10**d, round(self.start + i * self.step, 1)) for i, d in enumerate(self.decades)]


def mark_text(value):
    return f"{value:,}" if value >= 1 else f"{value:g}"


def draw_growth(axis, figures, number):
    """The SVG's text. FIGURES: of each its points, size and value."""
    height = TOP + STEP * len(figures) + PLOT + BELOW
    top = TOP + STEP * len(figures)
    x = Scale([size for points in figures.values() for size, _ in points], SIDE, WIDTH - SIDE)
    y = Scale([v for points in figures.values() for _, v in points], top + PLOT, top)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
             f'height="{height}" font-family="sans-serif" font-size="13">',
             element("rect", width=WIDTH, height=height, fill="#ffffff"),
             element("text", f"cost by {axis}", x=8, y=22, font_weight="bold")]
    for value, at in x.marks():
        parts += [element("line", x1=at, x2=at, y1=top, y2=top + PLOT, stroke=OTHERS),
                  element("text", mark_text(value), x=at, y=top + PLOT + 20, text_anchor="middle")]
    for value, at in y.marks():
        parts += [element("line", x1=SIDE, x2=WIDTH - SIDE, y1=at, y2=at, stroke=OTHERS),
                  element("text", mark_text(value), x=SIDE - 6, y=at + 4, text_anchor="end")]
    for i, (figure, points) in enumerate(figures.items()):
        colour = COLOURS[i % len(COLOURS)]
        parts.append(element("text", figure, x=SIDE, y=TOP + STEP * i + 4, fill=colour))
        parts.append(element("polyline", points=" ".join(f"{x.place(s)},{y.place(v)}" for s, v in points),
                             fill="none", stroke=colour, stroke_width=2))
        below = 18 if i % 2 else -6  # the point, so that two lines stay legible
        parts += [element("text", number(v), x=x.place(s) + 4, y=y.place(v) + below, fill=colour) for s, v in points]
    return "\n".join(parts + ["</svg>"]) + "\n"
