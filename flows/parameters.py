"""What a flow is asked for, as the forms of the Prefect pages show and check it.

The pattern stands in the form's schema alone: in a form a wrong month is marked where it is typed, in Python it is
the one sentence of `BadMonth`. What a field means is said in the flow's docstring, which the form shows too.
"""

from datetime import UTC, datetime
from typing import Annotated

from prefect.runtime import flow_run
from pydantic import Field

from compute.months import MONTH_PATTERN, MONTHS_PATTERN, spelt_out

Months = Annotated[
    str,
    Field(json_schema_extra={"pattern": MONTHS_PATTERN, "examples": ["2024-01", "2023-10..2024-03", "last", "this"]}),
]
OneMonth = Annotated[str, Field(json_schema_extra={"pattern": MONTH_PATTERN, "examples": ["2024-01", "last", "this"]})]
Instant = Annotated[str | None, Field(json_schema_extra={"examples": ["2024-02-02T12:00:00Z"]})]


def run_name() -> str:
    """Return the name of the flow run: its pipeline and the months that are meant, read off the clock if need be."""
    return f"{flow_run.flow_name} {spelt_out(flow_run.parameters['month'], datetime.now(UTC).date())}"
