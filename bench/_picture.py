"""The simulation at one glance, as SVG: what each account did and when it rested, and progress beside the plan.

Written as plain XML: lines and dots need no drawing library, and everybody would have to install it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

DAY = timedelta(days=1)
_LEFT, _RIGHT, _ROW, _TOP, _PROGRESS = 90, 30, 13, 60, 260
_WIDTH, _LANE = 1180, 2
_COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#b07d12", "#6a4c93", "#00798c", "#8d5524")


@dataclass
class Picture:
    """`dots`: by account, when it acted and for which campaign. `rests`: by account, from when until when, and why.

    `progress`: by campaign, people settled by the time. `planned`: by campaign, the plan's progress from its start.
    """

    began: datetime
    ended: datetime
    dots: Mapping[str, Sequence[tuple[datetime, str]]]
    rests: Mapping[str, Sequence[tuple[datetime, datetime, str]]]
    progress: Mapping[str, Sequence[tuple[datetime, int]]]
    planned: Mapping[str, Sequence[tuple[datetime, int]]] = field(default_factory=dict)

    def write(self, path: Path, title: str) -> None:
        """Draw it into the file."""
        height = _TOP + _ROW * len(self.dots) + 70 + _PROGRESS + 60
        svg = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {_WIDTH} {height}")
        svg.set("font-family", "sans-serif")
        svg.set("font-size", "10")
        ET.SubElement(svg, "rect", width="100%", height="100%", fill="white")
        _text(svg, _LEFT, 20, title, size=14)
        self._legend(svg)
        self._accounts(svg)
        self._progress(svg, _TOP + _ROW * len(self.dots) + 70)
        ET.indent(svg)
        path.write_text(ET.tostring(svg, encoding="unicode") + "\n")

    def _x(self, moment: datetime) -> float:
        share: float = (moment - self.began) / (self.ended - self.began)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def _colour(self, campaign: str) -> str:
        return _COLOURS[list(self.progress).index(campaign) % len(_COLOURS)]

    def _legend(self, svg: ET.Element) -> None:
        x = _LEFT
        for campaign in self.progress:
            ET.SubElement(svg, "circle", cx=str(x), cy="37", r="4", fill=self._colour(campaign))
            _text(svg, x + 8, 41, campaign)
            x += 90
        _text(svg, x, 41, "grey: rests (flood limits, blocks)   dashed: as planned at the start")

    def _accounts(self, svg: ET.Element) -> None:
        self._days(svg, _TOP, _TOP + _ROW * len(self.dots))
        for number, account in enumerate(self.dots):
            y = _TOP + _ROW * number + _ROW / 2
            _text(svg, _LEFT - 8, y + 3, account, anchor="end")
            for begin, end, why in self.rests.get(account, ()):
                x = self._x(begin)
                width = max(self._x(min(end, self.ended)) - x, 1)
                bar = ET.SubElement(
                    svg, "rect", x=str(x), y=str(y - 5), width=str(round(width, 1)), height="10", fill="#cccccc"
                )
                ET.SubElement(bar, "title").text = why
            for lane, campaign in enumerate(self.progress):
                moments = [at for at, acted_for in self.dots[account] if acted_for == campaign]
                self._marks(svg, moments, y + _LANE * (lane - (len(self.progress) - 1) / 2), self._colour(campaign))

    def _marks(self, svg: ET.Element, moments: Iterable[datetime], y: float, colour: str) -> None:
        """One path for all: a mark for each moment, those that touch run into one. Thousands stay a small file."""
        way, at = "", 0
        for x in sorted({round(self._x(each)) for each in moments}):
            way += f"M{x} {y:g}h1" if not way else "h1" if x == at else f"m{x - at} 0h1"
            at = x + 1
        if way:
            ET.SubElement(svg, "path", {"d": way, "stroke": colour, "stroke-width": str(_LANE)})

    def _progress(self, svg: ET.Element, top: float) -> None:
        self._days(svg, top, top + _PROGRESS)
        most = max((n for line in self.progress.values() for _, n in line), default=1)
        _text(svg, _LEFT - 8, top + 4, str(most), anchor="end")
        _text(svg, _LEFT - 8, top + _PROGRESS, "0", anchor="end")
        for campaign, line in self.progress.items():
            self._line(svg, line, top, most, self._colour(campaign))
            self._line(svg, self.planned.get(campaign, ()), top, most, self._colour(campaign), dashed=True)

    def _line(
        self,
        svg: ET.Element,
        points: Iterable[tuple[datetime, int]],
        top: float,
        most: int,
        colour: str,
        *,
        dashed: bool = False,
    ) -> None:
        shown = [(self._x(at), top + _PROGRESS * (1 - n / most)) for at, n in points if at <= self.ended]
        places = {round(x): round(y, 1) for x, y in shown}  # the last one of each column
        if places:
            way = " ".join(f"{x},{y:g}" for x, y in places.items())
            line = ET.SubElement(svg, "polyline", points=way, fill="none", stroke=colour)
            line.set("stroke-width", "1.5")
            if dashed:
                line.set("stroke-dasharray", "5 4")

    def _days(self, svg: ET.Element, top: float, bottom: float) -> None:
        number = 0
        while (at := self.began + number * DAY) <= self.ended:
            x = str(self._x(at))
            ET.SubElement(svg, "line", x1=x, x2=x, y1=str(top), y2=str(bottom), stroke="#e5e5e5")
            if number % 2 == 0:
                _text(svg, float(x), bottom + 14, f"day {number}", anchor="middle")
            number += 1


def _text(svg: ET.Element, x: float, y: float, words: str, *, anchor: str = "start", size: int = 10) -> None:
    text = ET.SubElement(svg, "text", x=str(x), y=str(y), fill="#333333")
    text.set("text-anchor", anchor)
    text.set("font-size", str(size))
    text.text = words
