"""The table of a run, as Markdown and as JSON."""
import json
import statistics
import textwrap

import chart

OURS = "sallyport"
REASON = 80  # characters of it that the table shows


class Results:
    """Values and failures, by figure and server, of all rounds."""

    def __init__(self, figures, servers):
        self.figures, self.servers = figures, servers
        self.values, self.failures = {}, {}

    def add(self, figure, server, value):
        self.values.setdefault((figure.key, server), []).append(value)

    def fail(self, figure, server, reason):
        self.failures.setdefault((figure.key, server), reason)

    def median(self, figure, server):
        """None for one that failed in a round, or wasn't measured."""
        values = self.values.get((figure.key, server))
        if not values or (figure.key, server) in self.failures:
            return None
        return statistics.median(values)

    def best_other(self, figure, limits):
        """The name and the median of the best server that isn't ours."""
        others = [(m, s) for s in self.servers if s != OURS and s not in limits
                  and (m := self.median(figure, s)) is not None]
        if not others:
            return None, None
        median, server = (max if figure.more_is_better else min)(others)
        return server, median

    def ratio(self, figure, to):
        ours = self.median(figure, OURS)
        return ours / to if ours is not None and to else None


def short(number):
    """Three digits that count, and never a power of ten."""
    if number is None:
        return ""
    digits = 3 if abs(number) < 1 else 2 if abs(number) < 10 else 1 if abs(number) < 100 else 0
    return f"{number:,.{digits}f}"


class Report:
    def __init__(self, results, limits, about, sizes):
        self.results, self.limits, self.about = results, limits, about
        self.titles = {f.key: f.title.format(**vars(sizes)) for f in results.figures}

    def limit_of(self, figure):
        for server in self.limits:
            if (median := self.results.median(figure, server)) is not None:
                return median
        return None

    def cell(self, figure, server):
        r = self.results
        if reason := r.failures.get((figure.key, server)):
            return f"failed: {textwrap.shorten(reason, REASON)}".replace("|", "\\|")
        values = r.values.get((figure.key, server))
        if not values:
            return ""
        text = short(statistics.median(values))
        return text if len(values) == 1 else f"{text} ({short(min(values))} to {short(max(values))})"

    def line(self, figure):
        r = self.results
        best, median = r.best_other(figure, self.limits) if figure.judged else (None, None)
        cells = [self.titles[figure.key], figure.unit]
        cells += [self.cell(figure, s) for s in r.servers]
        cells.append(f"{best} {short(median)}" if best else "")
        cells.append(short(r.ratio(figure, median)))
        cells.append(short(r.ratio(figure, self.limit_of(figure))))
        return cells

    def markdown(self):
        heads = ["work", "unit"] + [s + " (limit)" if s in self.limits else s for s in self.results.servers]
        rows = [heads + ["best other", "ratio", "to the limit"]]
        rows.append(["---"] * len(rows[0]))
        rows += [self.line(f) for f in self.results.figures]
        text = ["# Side by side", "", "Medians of the rounds, with the lowest and the highest figure. The ratio is ours "
                "to that of the best other server. Less is better, except for MiB/s and for what is resumed.", ""]
        text += ["| " + " | ".join(row) + " |" for row in rows]
        text += [""] + [f"- {key}: {value}" for key, value in self.about.items()]
        return "\n".join(text) + "\n"

    def data(self):
        r, figures = self.results, []
        for figure in r.figures:
            best, median = r.best_other(figure, self.limits)
            figures.append({
                "key": figure.key, "title": self.titles[figure.key], "unit": figure.unit,
                "more_is_better": figure.more_is_better,
                "servers": {s: self.of_server(figure, s) for s in r.servers},
                "best_other": best, "ratio": r.ratio(figure, median) if figure.judged else None,
                "limit": self.limit_of(figure), "ratio_to_limit": r.ratio(figure, self.limit_of(figure))})
        return {"about": self.about, "figures": figures}

    def of_server(self, figure, server):
        r = self.results
        values = r.values.get((figure.key, server), [])
        if reason := r.failures.get((figure.key, server)):
            return {"failed": reason, "values": values}
        if not values:
            return None
        return {"median": statistics.median(values), "lowest": min(values), "highest": max(values),
                "values": values}

    def write(self, directory):
        """table.md, table.json, and a chart of each figure."""
        directory.mkdir(parents=True, exist_ok=True)
        for old in directory.glob("*.svg"):
            old.unlink()
        (directory / "table.md").write_text(self.markdown())
        (directory / "table.json").write_text(json.dumps(self.data(), indent=1) + "\n")
        for figure in self.results.figures:
            bars = [chart.Bar(s, statistics.median(v), min(v), max(v), s in self.limits, s == OURS)
                    for s in self.results.servers if self.results.median(figure, s) is not None
                    for v in [self.results.values[figure.key, s]]]
            if bars:
                (directory / f"{figure.key}.svg").write_text(
                    chart.draw(f"{self.titles[figure.key]}, {figure.unit}", bars, short))
