"""A contract as a pandera schema: what an accepted row must satisfy before it is written to silver.

It is made from the same fields and rules that judge the rows, so contract and validator agree (AT-08).
"""

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

from compute.company import Company
from compute.contracts.contract import Contract, Rule, disposition_letter
from compute.errors import ContractViolation


def pandera_schema(contract: Contract, company: Company) -> pa.DataFrameSchema:
    """Return the schema of current accepted rows: types, needs, the key, and no quarantining rule true."""
    kept = set(contract.columns) | set(contract.place)
    return pa.DataFrameSchema(
        columns={
            name: pa.Column(
                contract.columns[name],
                nullable=each.need == "may" and each.default is None,
                description=each.meaning,
            )
            for each in contract.fields
            for name in ((each.name,) if each.kept is None else each.kept)
        },
        checks=[
            _never(rule)
            for rule in contract.rules(company)
            # What a rule saw of personal data is gone by silver.
            if disposition_letter(rule.code) == "Q" and set(rule.when.meta.root_names()) <= kept
        ],
        unique=list(contract.key) if contract.has_revisions else None,
        strict=False,
        name=contract.dataset,
        description=contract.grain,
    )


def require(contract: Contract, company: Company, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows unchanged when they satisfy the contract.

    Raises:
        ContractViolation: otherwise; the judge let through what it should have held.
    """
    try:
        pandera_schema(contract, company).validate(rows, lazy=True)
    except SchemaErrors as error:
        failures = error.failure_cases.select("check").unique().to_series().sort().to_list()
        raise ContractViolation(dataset=contract.dataset, failures=tuple(map(str, failures))) from error
    return rows


def _never(rule: Rule) -> pa.Check:
    # The frame is eager, so the check may look at every row; a null condition does not break the rule.
    return pa.Check(
        lambda data: data.lazyframe.select((~rule.when).fill_null(value=True)),
        name=rule.code,
        error=f"{rule.code}: {rule.meaning}",
    )
