"""A chart of one figure: a bar for each server, with the range of its rounds."""
import dataclasses
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
