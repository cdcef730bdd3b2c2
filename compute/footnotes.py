"""The footnotes that a figure may carry, and those of a month's waivers: id and text.

Source: `operations.md` E.2, S-13; `metrics.md` §1.4, §2.3.
"""

from datetime import datetime

from compute.lifecycle import Log

FOOTNOTES = {
    "carried_forward": "ᶜ A bill is missing; last month's MRR is carried forward.",
    "estimated": "ᵉ A bill is missing; the contract value is used.",
    "imputed": "ⁱ An account is inside an open status gap; its MRR is taken as 0.",
    "imputed_step": "ⁱ A missing status step was imputed; the figure counts it.",
}


def waiver_notes(log: Log, month: str, at: datetime) -> dict[str, str]:
    """Return the footnotes of the waivers of a month that are in force; they are signed with its figures."""
    return {
        f"waiver_{act.gate}": f"ᵂ The gate '{act.gate}' is waived by {act.by} ({act.role})"
        f"{f' until {act.expires_at:%Y-%m-%d}' if act.expires_at else ''}: {act.reason}"
        for act in log.waivers(month, at)
    }
