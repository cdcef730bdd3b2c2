"""Verdicts that are kept: what was judged of a date, an hour, a month, also when all was well.

Source: `operations.md` D.2.6, D.2.7, L-5.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from compute.evaluation_rows import CLICKS, hour_name
from compute.facts import Facts
from compute.volume import Judgement

Key = tuple[str, str, str, str]
CLOSED, MATURE = "closed", "mature"  # the stages of a date: the watermark has passed its end, and 48 h more


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was judged, and when.

    Attributes:
        stage: of a date's volume CLOSED or MATURE; else empty.
        evidence: the numbers.
        power: the smallest changes that could have been seen, as shares; empty where nothing is compared.
    """

    check_id: str
    dataset: str
    scope: str
    stage: str
    verdict: str
    evidence: str
    power: str
    at: datetime

    @property
    def key(self) -> Key:
        """What it is a verdict on."""
        return self.check_id, self.dataset, self.scope, self.stage


def verdicts(facts: Facts) -> list[Verdict]:
    """Return what is judged now of volumes, hours without clicks and data quality."""
    found = [_of_volume(name, each, facts.now) for name, judged in facts.volumes.items() for each in judged]
    for silence in facts.silences:
        usual = "too few known weeks" if silence.usual is None else f"usually {silence.usual:.0f}"
        told = f"no click, {usual}"
        found.append(Verdict("L-5", CLICKS, hour_name(silence.hour), "", silence.verdict, told, "", facts.now))
    for each in facts.alerts:
        reading, check_id = each.reading, each.alert.check_id
        found.append(
            Verdict(check_id, reading.dataset, reading.scope, "", each.verdict, reading.told, "", facts.now)
        )  # fmt: skip
    return found


def _of_volume(dataset: str, judged: Judgement, now: datetime) -> Verdict:
    usual = "" if judged.expected is None or judged.z is None else f", {judged.expected:.0f} expected, z {judged.z:.1f}"
    power = "" if judged.least_drop is None else f"{judged.least_drop:+.1%}, {judged.least_rise:+.1%}"
    stage = MATURE if judged.is_mature else CLOSED
    day = judged.day.isoformat()
    return Verdict("L-21", dataset, day, stage, judged.verdict, f"rows {judged.rows}{usual}", power, now)


def news(found: Iterable[Verdict], last: Mapping[Key, Verdict]) -> list[Verdict]:
    """Return the verdicts that are to be kept: those that changed, and new numbers of one that did not, once a day."""
    return [each for each in found if _is_news(each, last.get(each.key))]


def _is_news(found: Verdict, last: Verdict | None) -> bool:
    if last is None or found.verdict != last.verdict:
        return True
    return found.evidence != last.evidence and found.at.date() > last.at.date()
