"""Charts as SVG text: the same values give the same bytes, and each can be read without colour.

Numbers enter as decimals; positions are rounded to a tenth of a pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import accumulate, groupby

Number = Decimal | None
WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 18, 30
MARKS = ("", "dashed", "dotted")


@dataclass(frozen=True, slots=True)
class Line:
    """A named series; a gap where a value is missing."""

    name: str
    values: tuple[Number, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a waterfall: a level, or what is added to the level before."""

    name: str
    value: Decimal
    label: str
    is_level: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its label; `mark` is written under its name."""

    name: str
    value: Number
    label: str
    mark: str = ""


def sparkline(values: Sequence[Number], words: str) -> str:
    """Return a line of how a figure went, without axes; the last point is marked."""
    width, height, pad = 132, 30, 4
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    scale = _Scale(min(known), max(known), height - pad, pad)
    step = (width - 2 * pad) / (len(values) - 1)
    body = _paths([(pad + index * step, value) for index, value in enumerate(values)], scale, "spark")
    if values[-1] is not None:
        body += f'<circle class="spark-end" cx="{_at(width - pad)}" cy="{scale(values[-1])}" r="2.6"/>'
    return _svg(width, height, body, words)


def line_chart(
    names: Sequence[str], lines: Sequence[Line], words: str, *, rule: Decimal | None = None, unit: str = ""
) -> str:
    """Return lines over named places, with a rule where asked; each line is told apart by its stroke and its name."""
    known = [value for line in lines for value in line.values if value is not None]
    if not known:
        return ""
    ticks = _ticks([*known, rule] if rule is not None else known)
    scale = _Scale(ticks[0], ticks[-1], HEIGHT - _BOTTOM, _TOP + 6)
    body = _grid(ticks, scale, unit) + _names(names)
    if rule is not None:
        body += f'<line class="rule" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{scale(rule)}" y2="{scale(rule)}"/>'
    for mark, line in zip(MARKS, lines, strict=False):
        points = [(_center(index, len(names)), value) for index, value in enumerate(line.values)]
        body += _paths(points, scale, f"line {mark}".strip())
        body += "".join(f'<circle class="dot {mark}" cx="{_at(x)}" cy="{scale(value)}" r="2.4"/>'
                        for x, value in points if value is not None)  # fmt: skip
    return _svg(WIDTH, HEIGHT, body + _legend([line.name for line in lines], "line"), words)


def bar_chart(bars: Sequence[Bar], words: str) -> str:
    """Return standing bars; what is below zero hangs and is hatched."""
    known = [bar.value for bar in bars if bar.value is not None]
    if not known:
        return ""
    low, high = min(Decimal(0), *known), max(Decimal(0), *known)
    if low == high:
        high = Decimal(1)
    scale = _Scale(low, high, HEIGHT - _BOTTOM - 12, _TOP + 8)
    slot = (WIDTH - _LEFT - _RIGHT) / len(bars)
    body = f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{scale(Decimal(0))}" y2="{scale(Decimal(0))}"/>'
    for index, bar in enumerate(bars):
        x, middle = _LEFT + index * slot + slot * 0.16, _LEFT + (index + 0.5) * slot
        if bar.value is not None:
            body += _bar(x, slot * 0.68, scale, Decimal(0), bar.value)
            body += _text(middle, float(scale(max(bar.value, Decimal(0)))) - 5, bar.label, "value")
        body += _text(middle, HEIGHT - 14, bar.name, "name")
        body += _text(middle, HEIGHT - 2, bar.mark, "mark") if bar.mark else ""
    return _svg(WIDTH, HEIGHT, body, words)


def row_chart(bars: Sequence[Bar], words: str, *, whole: Decimal | None = None) -> str:
    """Return lying bars, one under the other, against a whole or the longest of them."""
    known = [bar.value for bar in bars if bar.value is not None]
    longest = whole or max(known, default=Decimal(0))
    if not longest:
        return ""
    row, name_width, room = 24, 190, WIDTH - 190 - 90
    body = ""
    for index, bar in enumerate(bars):
        y = index * row
        body += f'<text class="name" text-anchor="end" x="{name_width - 10}" y="{y + 16}">{escape(bar.name)}</text>'
        length = float(min(bar.value or Decimal(0), longest) / longest) * room
        body += f'<rect class="gain" x="{name_width}" y="{y + 4}" width="{_at(length)}" height="{row - 8}"/>'
        body += f'<text class="value" x="{_at(name_width + length + 6)}" y="{y + 16}">{escape(bar.label)}</text>'
    return _svg(WIDTH, len(bars) * row + 4, body, words)


def waterfall(steps: Sequence[Step], words: str) -> str:
    """Return levels and the steps between them; gains stand plain, losses are hatched, and each has its sign."""
    base, levels = cut(steps), _levels(steps)
    starts = [base, *(base if step.is_level else before for step, before in zip(steps[1:], levels, strict=False))]
    tops = list(zip(starts, levels, strict=True))
    high = max(edge for pair in tops for edge in pair)
    scale = _Scale(base, high if high > base else base + 1, HEIGHT - _BOTTOM - 4, _TOP + 10)
    slot = (WIDTH - 24) / len(steps)
    body = f'<line class="axis" x1="12" x2="{WIDTH - 12}" y1="{scale(base)}" y2="{scale(base)}"/>'
    for index, (step, (start, end)) in enumerate(zip(steps, tops, strict=True)):
        x, middle = 12 + index * slot + slot * 0.14, 12 + (index + 0.5) * slot
        body += _bar(x, slot * 0.72, scale, start, end, "level" if step.is_level else "")
        body += _text(middle, float(scale(max(start, end))) - 6, step.label, "value")
        body += _text(middle, HEIGHT - 10, step.name, "name")
        if index + 1 < len(steps):
            body += (f'<line class="joint" x1="{_at(x + slot * 0.72)}" x2="{_at(x + slot)}" '
                     f'y1="{scale(end)}" y2="{scale(end)}"/>')  # fmt: skip
    return _svg(WIDTH, HEIGHT, body, words)


def cut(steps: Sequence[Step]) -> Decimal:
    """Return where the axis of a waterfall begins: at 0, or higher where the steps would be too small to be seen.

    >>> cut([Step("a", Decimal(1000), "", True), Step("b", Decimal(10), ""), Step("c", Decimal(1010), "", True)])
    Decimal('980')
    """
    levels = _levels(steps)
    span = max(levels) - min(levels)
    return max(Decimal(0), min(levels) - 2 * span) if 0 < span * 6 < min(levels) else Decimal(0)


def _levels(steps: Sequence[Step]) -> list[Decimal]:
    """Return the level after each step."""
    return list(accumulate(steps[1:], lambda level, step: step.value if step.is_level else level + step.value,
                           initial=steps[0].value))  # fmt: skip


class _Scale:
    def __init__(self, low: Decimal, high: Decimal, bottom: float, top: float) -> None:
        self._low, self._span, self._bottom, self._room = low, (high - low) or Decimal(1), bottom, bottom - top

    def __call__(self, value: Decimal) -> str:
        return _at(self._bottom - float((value - self._low) / self._span) * self._room)


def _bar(x: float, width: float, scale: _Scale, start: Decimal, end: Decimal, kind: str = "") -> str:
    top, bottom = float(scale(max(start, end))), float(scale(min(start, end)))
    kind = kind or ("gain" if end >= start else "loss")
    height = max(bottom - top, 0.8)
    return f'<rect class="{kind}" x="{_at(x)}" y="{_at(top)}" width="{_at(width)}" height="{_at(height)}"/>'


def _paths(points: Sequence[tuple[float, Number]], scale: _Scale, kind: str) -> str:
    """Return a path for each run of known values."""
    found = ""
    for is_known, run in groupby(points, key=lambda point: point[1] is not None):
        places = [f"{_at(x)},{scale(value)}" for x, value in run if value is not None]
        if is_known and len(places) > 1:
            found += f'<polyline class="{kind}" points="{" ".join(places)}"/>'
    return found


def _ticks(values: Sequence[Decimal]) -> list[Decimal]:
    """Return round numbers, evenly apart, from below the least value to above the greatest.

    >>> [str(tick) for tick in _ticks([Decimal("0.97"), Decimal("1.02")])]
    ['0.96', '0.98', '1.00', '1.02']
    """
    low, high = min(values), max(values)
    rough = (high - low) / 4 or abs(high) / 4 or Decimal(1)
    power = Decimal(1).scaleb(rough.adjusted())
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    first, last = low // step - (low % step < 0), -(-high // step) + (high % step > 0)
    return [step * index for index in range(int(first), max(int(last), int(first) + 1) + 1)]


def _grid(ticks: Sequence[Decimal], scale: _Scale, unit: str) -> str:
    found, places = "", max(0, -int(ticks[1].normalize().adjusted()) - 2) if unit == "percent" else 0
    for value in ticks:
        y = scale(value)
        shown = f"{value * 100:.{places}f} %" if unit == "percent" else f"{value:,.0f}"
        found += f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        found += f'<text class="tick" text-anchor="end" x="{_LEFT - 6}" y="{_at(float(y) + 3.5)}">{shown}</text>'
    return found.replace(">-", ">−")


def _names(names: Sequence[str]) -> str:
    every = -(-len(names) // 16)
    return "".join(
        _text(_center(index, len(names)), HEIGHT - 10, name, "name")
        for index, name in enumerate(names)
        if index % every == 0
    )


def _legend(names: Sequence[str], kind: str) -> str:
    found, x = "", float(_LEFT)
    for mark, name in zip(MARKS, names, strict=False):
        found += f'<line class="{kind} {mark}" x1="{_at(x)}" x2="{_at(x + 22)}" y1="8" y2="8"/>'
        found += f'<text class="legend" x="{_at(x + 27)}" y="12">{escape(name)}</text>'
        x += 27 + 6.6 * len(name) + 22
    return found


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" text-anchor="middle" x="{_at(x)}" y="{_at(y)}">{escape(text)}</text>'


def _center(index: int, count: int) -> float:
    return _LEFT + (index + 0.5) * (WIDTH - _LEFT - _RIGHT) / count


def _at(number: float) -> str:
    text = f"{number:.1f}"
    return text.removesuffix(".0")


def _svg(width: int, height: int, body: str, words: str) -> str:
    return f'<svg role="img" viewBox="0 0 {width} {height}" aria-label="{escape(words)}">{body}</svg>'


def trend(values: Sequence[Number]) -> str:
    """Return in words how a series went: up, down, level, or in how many of its steps it rose.

    >>> trend([Decimal(1), Decimal(2)]), trend([Decimal(3), None, Decimal(1)]), trend([None])
    ('rose', 'fell', 'has too few points')
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return "has too few points"
    return "rose" if known[-1] > known[0] else "fell" if known[-1] < known[0] else "is level"
