"""Anchors of figures: made and read again, sound as HTML ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.anchors import Anchor, BadAnchor, anchor, parse_anchor
from compute.metrics import METRICS
from compute.months import Month

KEYS = st.text(min_size=1)
PLACES = st.one_of(
    st.just(("company_month", "company")),
    st.tuples(st.just("company_month"), KEYS.map("company|{}".format)),
    st.tuples(st.sampled_from(["account_month", "account_day", "team_month", "company_day", "team_day"]), KEYS),
)


@given(
    st.sampled_from([metric.metric_id for metric in METRICS]),
    st.builds(Month, st.integers(1900, 2999), st.integers(1, 12)),
    st.sampled_from(["d1", "d12", "r3"]),
    PLACES,
)
def test_an_anchor_is_read_as_the_figure_that_it_was_made_of_and_is_a_sound_html_id(
    metric_id: str, month: Month, stand: str, place: tuple[str, str]
) -> None:
    text = anchor(metric_id, month, stand, *place)

    assert Anchor(metric_id, month, stand, *place) == parse_anchor(text)
    assert text.isascii()
    assert text.isprintable()
    assert not set(text) & set(" \t\n\"'<>&")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fig:M-08:2024-01", "is no anchor: write it as fig:M-08:2024-01:d3"),
        ("fig:M-08:2024-01:d0", "is no anchor"),
        ("fig:M-08:2024-13:d1", "'2024-13' is no month"),
        ("fig:M-08:2024-01:d1:a b", "is no anchor"),
        ("fig:M-08:2024-01:d1:account_month:A:B", "is no anchor"),
        ("M-08", "is no anchor"),
    ],
)
def test_what_is_no_anchor_is_refused_with_the_form_that_it_should_have(text: str, why: str) -> None:
    with pytest.raises(BadAnchor, match=why):
        parse_anchor(text)
