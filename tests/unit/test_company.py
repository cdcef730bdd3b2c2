"""`company.toml`: defaults, tables that replace their default whole, and one sentence for what is wrong.

What a choice does to a row is tested in `test_contracts`. Source: `interface.md`, "company.toml"; `data.md` A.3.
"""

from decimal import Decimal

import pytest

from compute.company import Company, Team, parse_company
from compute.errors import BadSetting
from compute.statuses import DEFAULT_GRAPH


def parsed(text: str) -> Company:
    return parse_company(text, source="here/company.toml")


def test_an_empty_file_means_the_defaults() -> None:
    assert Company() == parsed("")


def test_the_defaults_are_those_of_the_interface() -> None:
    company = Company()

    assert ("TechFlow Solutions", "USD", r"^ACC_\d+$") == tuple(company.company.model_dump().values())
    assert company.limits.model_dump() == {
        "max_bad_ratio": Decimal("0.05"),
        "max_event_age_days": 400,
        "clock_skew_minutes": 5,
        "unknown_account_days": 7,
        "late_hours": 48,
        "renewal_notice_days": 31,
        "past_due_grace_days": 30,
        "default_term_months": 12,
        "small_team": 3,
    }
    assert ("Dashboard", "Reports") == company.features.core
    assert {"API": "API Access", "Analytics": "Advanced Analytics"} == company.features.aliases
    assert ("Desktop", "Mobile", "Tablet", "API", "Unknown") == company.vocabulary.device_types
    assert DEFAULT_GRAPH == company.status_graph


def test_the_default_promises_are_those_of_the_specification() -> None:
    """`operations.md`, "Configuration"."""
    given = parsed(
        """
        [close]
        tolerance = 0.01
        account_materiality = 0.01
        account_materiality_amount = "100.00"
        headline_materiality = 0.005
        draft_due = { business_day = 3, time = "16:00" }
        certify_due = { business_day = 5, time = "18:00" }
        [sla]
        profit_hours = 24
        growth_cutoff = "Sun 18:00"
        engagement_hours = 48
        engagement_mature_hours = 50
        weekly_analysis_due = "Mon 10:00"
        critical_hours = 48
        standard_hours = 168
        success_rate = 0.999
        start_grace_minutes = 60
        processing_seconds = 7200
        validation_seconds = 300
        kafka_lag_seconds = 300
        compute_job_seconds = 3600
        query_seconds = 30
        watch_minutes = 5
        [volume]
        z = 3.5
        mad_floor = 0.05
        alert_change = 0.30
        warn_change = 0.20
        min_rows = 50
        active_hour_clicks = 20
        bounds = {}
        [alerts]
        duplicate_proportion = { alert = 0.02, target = 0.005 }
        late_arrival_ratio = { alert = 0.05, target = 0.02 }
        missing_transition_proportion = 0.005
        parse_failures = 0.005
        net_new_accounts = 1
        finance_variance = 0.001
        aggregate_vs_upstream = 0.0005
        kpi_drift_z = 3
        account_margin = { below = -0.50, accounts = 5 }
        margin_range = [-0.10, 0.95]
        retention_rise = 0.01
        """
    )

    assert Company() == given


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("revenue", "finance"), ("salaries", "finance"), ("reconciliation", "finance"), ("quality", "finance"),
        ("license_changes", "accounts"), ("gaps", "accounts"), ("click_events", "product"),
        ("engagement", "product"), ("watch", "operations"), ("aggregated", "operations"),
    ],
)  # fmt: skip
def test_an_owner_that_is_not_named_is_the_default_one(name: str, owner: str) -> None:
    assert owner == parsed('[owners]\nexpenses = "cfo"').owners.of(name)
    assert "cfo" == parsed(f'[owners]\n{name} = "cfo"').owners.of(name)


def test_a_promise_that_moves_recomputes_no_figure_and_a_tolerance_does() -> None:
    same = parsed('[sla]\nprofit_hours = 12\n[volume]\nz = 4\n[roles]\ncfo = ["p1"]\n[owners]\nrevenue = "cfo"')

    assert Company().fingerprint() == same.fingerprint()
    assert Company().fingerprint() != parsed("[close]\ntolerance = 0.02").fingerprint()


def test_the_default_words_are_those_of_the_specification() -> None:
    """`interface.md`, the company file; `data.md` A.2."""
    company = parsed("")

    events = "feature_click page_view login logout heartbeat error click search export api_call"
    assert tuple(events.split()) == company.vocabulary.event_types
    assert ("logout", "heartbeat", "error") == company.vocabulary.non_qualifying_event_types
    tiers = ("Trial", "Free", "Trial/Free", "Starter", "Professional", "Enterprise", "Custom")
    assert tiers == company.vocabulary.tiers
    cogs = ("Infrastructure", "Support", "Third-Party Software", "Payment Processing", "Professional Services")
    others = {"Marketing": "S&M", "Sales": "S&M", "G&A": "G&A", "Other": "G&A"}
    assert {**dict.fromkeys(cogs, "COGS"), **others} == company.expense_classes


def test_the_default_steps_are_those_of_the_specification() -> None:
    """`data.md` C.2."""
    assert {
        "": ("Lead", "Trial", "Active"),
        "Lead": ("Trial", "Active", "Cancelled"),
        "Trial": ("Active", "Expired", "Cancelled"),
        "Active": ("Past Due", "Suspended", "Expired", "Cancelled"),
        "Past Due": ("Active", "Suspended", "Cancelled"),
        "Suspended": ("Active", "Expired", "Cancelled"),
        "Expired": ("Trial", "Active", "Cancelled"),
        "Cancelled": ("Trial", "Active"),
    } == DEFAULT_GRAPH


def test_a_table_given_replaces_its_default_whole() -> None:
    company = parsed('[expense_classes]\nPostage = "G&A"\n[status_graph]\n"" = ["Active"]')

    assert {"Postage": "G&A"} == company.expense_classes
    assert {"": ("Active",)} == company.status_graph


def test_a_key_that_is_not_given_keeps_its_default() -> None:
    company = parsed('[limits]\nsmall_team = 5\n[vocabulary]\ntiers = ["Basic"]\n[features]\ncore = []')

    assert (5, 400) == (company.limits.small_team, company.limits.max_event_age_days)
    assert (("Basic",), Company().vocabulary.device_types) == (
        company.vocabulary.tiers,
        company.vocabulary.device_types,
    )
    assert ((), Company().features.aliases) == (company.features.core, company.features.aliases)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[limits]\nsmal_team = 5", "limits.smal_team"),
        ("[limit]\nsmall_team = 5", "limit"),
        ("top = 1", "top"),
        ("[limits]\nsmall_team = -1", "limits.small_team"),
        ("[limits]\nsmall_team = 2.5", "limits.small_team"),
        ("[limits]\nsmall_team = true", "limits.small_team"),
        ('[limits]\nsmall_team = "3"', "limits.small_team"),
        ("[limits]\ndefault_term_months = 0", "limits.default_term_months"),
        ("[limits]\nmax_bad_ratio = 1.01", "limits.max_bad_ratio"),
        ("[limits]\nmax_bad_ratio = -0.01", "limits.max_bad_ratio"),
        ("[limits]\nmax_bad_ratio = nan", "limits.max_bad_ratio"),
        ("[company]\naccount_id_pattern = '('", "company.account_id_pattern"),
        ("[company]\nname = 5", "company.name"),
        ('[expense_classes]\nPostage = "R & D"', "expense_classes.Postage"),
        ('[teams]\nData = { cost_class = "COGS", is_engineering = "yes" }', "teams.Data.is_engineering"),
        ("[teams]\nData = { is_engineering = true }", "teams.Data.cost_class"),
        ('[teams]\nData = "COGS"', "teams.Data"),
        ('[status_graph]\nTrial = ["Paused"]', "status_graph"),
        ('[status_graph]\nPaused = ["Trial"]', "status_graph"),
        ('[features.aliases]\n"API" = 1', "features.aliases.API"),
        ('[vocabulary]\ntiers = "Starter"', "vocabulary.tiers"),
        ('[calendar]\nholidays = ["2024-02-30"]', "calendar.holidays.0"),
        ('[owners]\nrevenue = "nobody"', "owners.revenue"),
        ('[roles]\nboard = ["p1"]', "roles.board"),
        ('[roles]\nfinance = "p1"', "roles.finance"),
        ("[sla]\nprofit_hours = 0", "sla.profit_hours"),
        ("[sla]\nprofit_hour = 24", "sla.profit_hour"),
        ('[sla]\ngrowth_cutoff = "Sunday 18:00"', "sla.growth_cutoff"),
        ('[sla]\ngrowth_cutoff = "Sun 24:00"', "sla.growth_cutoff"),
        ("[sla]\nsuccess_rate = 1.1", "sla.success_rate"),
        ("[volume]\nz = inf", "volume.z"),
        ("[volume]\nwarn_change = 0.5", "volume"),
        ("[volume.bounds]\nclick_events = [9, 1]", "volume"),
        ("[alerts]\nduplicate_proportion = 0.02", "alerts.duplicate_proportion"),
        ("[close]\ntolerance = -0.01", "close.tolerance"),
        ('[close]\ndraft_due = { business_day = 0, time = "16:00" }', "close.draft_due.business_day"),
        ('[close]\ndraft_due = { business_day = 3, time = "4 pm" }', "close.draft_due.time"),
    ],
)
def test_an_unknown_key_or_a_wrong_value_is_one_sentence_that_names_file_and_key(text: str, key: str) -> None:
    with pytest.raises(BadSetting) as wrong:
        parsed(text)

    assert str(wrong.value).startswith(f"here/company.toml: {key}: ")
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize("text", ["[limits", "a = ", "[limits]\nsmall_team = 3\nsmall_team = 3"])
def test_bad_toml_is_one_sentence_that_names_the_file(text: str) -> None:
    with pytest.raises(BadSetting, match=r"^here/company\.toml is no TOML: ") as wrong:
        parsed(text)

    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize("ratio", ["0", "1", "0.05"])
def test_a_ratio_from_0_to_1_is_kept_exactly(ratio: str) -> None:
    assert Decimal(ratio) == parsed(f"[limits]\nmax_bad_ratio = {ratio}").limits.max_bad_ratio


ENGINEERS = Team(cost_class="R&D", is_engineering=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Data Engineering", ENGINEERS),
        ("Engineering", ENGINEERS),
        ("Frontend Guild", ENGINEERS),
        ("Sales Engineering", ENGINEERS),
        ("Support", Team(cost_class="COGS")),
        ("Customer Support", Team(cost_class="COGS")),
        ("DevOps", Team(cost_class="COGS")),
        ("Sales", Team(cost_class="S&M")),
        ("Marketing", Team(cost_class="S&M")),
        ("Finance", Team(cost_class="G&A")),
        ("G&A", Team(cost_class="G&A")),
        ("engineering", None),
        ("Sales Operations", None),
        ("", None),
    ],
)
def test_a_team_has_its_class_by_the_default_table_first_match(name: str, expected: Team | None) -> None:
    assert expected == Company().team(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Data Engineering", Team(cost_class="COGS")),
        ("Robots", Team(cost_class="Unclassified")),
        ("Engineering", None),
        ("Data Engineering West", None),
        ("Sales", None),
    ],
)
def test_a_teams_table_matches_whole_names_only_and_replaces_the_default(name: str, expected: Team | None) -> None:
    company = parsed('[teams]\n"Data Engineering" = { cost_class = "COGS" }\nRobots = { cost_class = "Unclassified" }')

    assert expected == company.team(name)


def test_a_choice_that_differs_differs_in_the_fingerprint() -> None:
    same = parsed("[limits]\nsmall_team = 3").fingerprint()
    other = parsed("[limits]\nsmall_team = 4").fingerprint()

    assert Company().fingerprint() == same
    assert other != same
