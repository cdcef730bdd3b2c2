"""The footnotes that a figure may carry: id and text.

Source: `operations.md` E.2; `metrics.md` §1.4, §2.3.
"""

FOOTNOTES = {
    "carried_forward": "ᶜ A bill is missing; last month's MRR is carried forward.",
    "estimated": "ᵉ A bill is missing; the contract value is used.",
    "imputed": "ⁱ An account is inside an open status gap; its MRR is taken as 0.",
    "imputed_step": "ⁱ A missing status step was imputed; the figure counts it.",
}
