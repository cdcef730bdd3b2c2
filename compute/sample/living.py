"""How an account lives: it arrives, subscribes, grows, pays late, renews, leaves, and now and then comes back.

Whatever it does is lawful by the status graph, and its records agree with one another: a bill's seats are those of the
last change, a renewal's value is twelve times the bill of its day, a month that ends paying has a bill.
"""

import math
from datetime import date, timedelta

from compute.months import Month
from compute.sample.chart import Prospect
from compute.sample.life import Bill, Event, Life, Renewal, SeatChange
from compute.sample.market import (
    CONVERSION,
    CUSTOM,
    ENTERPRISE,
    LATE_PAYMENT,
    PROFESSIONAL,
    SOLD,
    STARTER,
    WIN_BACK,
    YEARLY_DISCOUNT,
)
from compute.sample.request import Request

_FEATURES_AT_START = {STARTER.name: (0, 1), PROFESSIONAL.name: (0, 3), ENTERPRISE.name: (2, 4), CUSTOM.name: (3, 5)}
_LAST_BILLING_DAY = 28  # every month has it


def live(prospect: Prospect, request: Request) -> Life:
    """Return the life of an account, up to what is known at the end of the last month."""
    story = _Story(prospect, request)
    starts_on = story.arrive()
    while starts_on is not None and starts_on <= request.last.last:
        starts_on = story.subscribe(starts_on)
    return story.told()


class _Story:
    """An account as it is today: status, seats, prices, contract."""

    def __init__(self, prospect: Prospect, request: Request) -> None:
        self._of, self._request, self._tier = prospect, request, prospect.tier
        self._random = request.stream("account", prospect.number)
        is_yearly = self._chance(prospect.tier.yearly)
        self._life = Life(prospect, is_yearly)
        discount = (1 - YEARLY_DISCOUNT * is_yearly) * (1 - 0.03 * math.log10(prospect.seats))
        self._seat_cents = round(self._tier.seat_cents * discount * self._random.uniform(0.93, 1.04) / 50) * 50
        self._seats = prospect.seats
        least, most = _FEATURES_AT_START[self._tier.name]
        chosen = self._random.permutation(len(SOLD))[: self._random.integers(least, most + 1)]
        self._features = sum(1 << int(bit) for bit in chosen)
        self._status: str | None = None
        self._contract_cents = 0
        self._resumes_on: date | None = None

    def arrive(self) -> date | None:
        """Tell how the account became known; returns the day on which it first pays, if ever."""
        day = self._of.begins_on
        if self._of.is_customer:
            return self._came_before(day)
        if self._chance(0.10):
            return day
        if self._chance(0.28):
            self._turn(day, "Lead")
            day += self._days(8, 35)
            if self._chance(0.30):
                self._turn(day, "Cancelled")
                return None
            if self._chance(0.20):
                return day
        self._turn(day, "Trial")
        if self._chance(CONVERSION + 0.12 * (self._tier in (ENTERPRISE, CUSTOM))):
            return day + self._days(5, 22)
        if self._chance(0.15):
            self._turn(day + self._days(3, 13), "Cancelled")
        else:
            self._turn(day + timedelta(days=14), "Expired")
        return None

    def _came_before(self, day: date) -> date:
        if self._chance(0.2):
            self._turn(day - self._days(35, 60), "Lead")
        if self._chance(0.75):
            self._turn(day - self._days(7, 21), "Trial")
        return day

    def subscribe(self, starts_on: date) -> date | None:
        """Tell of a subscription from its first day to its end; returns the day of a return, if there is one."""
        self._open(starts_on)
        self._remember(starts_on)
        month = max(Month.of(starts_on).plus(1), self._request.first)
        while self._status in ("Active", "Past Due", "Suspended") and month <= self._request.last.plus(1):
            self._month(month, starts_on)
            month = month.plus(1)
        if self._status not in ("Expired", "Cancelled"):
            return None
        left_on = self._life.events[-1].on
        if self._chance(WIN_BACK):
            return left_on + self._days(40, 170)
        if self._status == "Expired" and self._chance(0.3):
            self._turn(left_on + self._days(30, 60), "Cancelled")
        return None

    def _open(self, on: date) -> None:
        before, kind = self._seats, "Initial"
        if self._life.seat_changes:
            self._seats = max(2, round(before * self._random.uniform(0.6, 1.1)))
            kind = "Upgrade" if self._seats > before else "Downgrade"
        else:
            before = 0
        self._contract_cents = 12 * self._mrr()
        self._turn(on, "Active", self._contract_cents)
        self._change_seats(before, on, on, kind)
        if on >= self._request.first.first:
            self._bill(on, "Paid")

    def _remember(self, starts_on: date) -> None:
        """Renew the years before the first month: prices rise a little, nothing else is known of them."""
        day = _billing_day(Month.of(starts_on).plus(12), starts_on)
        while self._life.is_yearly and day < self._request.first.first:
            self._seat_cents = round(self._seat_cents * 1.02)
            self._renew(day)
            day = _billing_day(Month.of(day).plus(12), starts_on)

    def _month(self, month: Month, starts_on: date) -> None:
        day = _billing_day(month, starts_on)
        if self._resumes_on is not None and day < self._resumes_on:
            if Month.of(self._resumes_on) == month:
                self._bill(self._resumes_on, "Paid")
            return
        self._resumes_on = None
        is_first = month == self._request.first
        is_due = self._life.is_yearly and month.number == starts_on.month
        if not is_first and self._leaves(day, is_due=is_due):
            return
        # What is signed before the first bill is seen would not fit the bill: the first month changes nothing.
        seats = self._seats
        if not is_first:
            self._grow(month, day, is_due=is_due)
            self._choose_features()
        if is_due:
            self._seat_cents = round(self._seat_cents * (1.02 if is_first else self._uplift(seats)))
            self._renew(day)
        self._pay(day)

    def _leaves(self, day: date, *, is_due: bool) -> bool:
        if is_due and self._chance(self._tier.leave_yearly):
            previous = self._contract_cents
            ended = day - timedelta(days=1)
            self._life.renewals.append(Renewal(ended - self._days(10, 30), ended, previous, 0, "Non-Renewal"))
            self._turn(day, "Expired")
            return True
        if not self._life.is_yearly and self._chance(self._tier.leave_monthly):
            self._turn(day, "Cancelled")
            return True
        return False

    def _grow(self, month: Month, day: date, *, is_due: bool) -> None:
        before, kind = self._seats, ""
        may_shrink = is_due or not self._life.is_yearly
        if self._chance(0.25 if is_due else self._tier.grow):
            self._seats = before + max(1, round(before * self._random.uniform(0.05, 0.28)))
            kind = "True-up" if month.number % 3 == 0 and self._chance(0.4) else "Upgrade"
        elif may_shrink and before > 3 and self._chance(0.12 if is_due else 0.022):
            self._seats = before - max(1, round(before * self._random.uniform(0.08, 0.25)))
            kind = "Removal" if self._chance(0.3) else "Downgrade"
        changed_on = max(day - self._days(0, 20), self._life.bills[-1].on if self._life.bills else day)
        self._change_seats(before, changed_on, day, kind)

    def _choose_features(self) -> None:
        bit = 1 << int(self._random.integers(len(SOLD)))
        if self._chance(0.02) and not self._features & bit and self._tier is not STARTER:
            self._features |= bit
        elif not self._life.is_yearly and self._chance(0.01) and self._features & bit:
            self._features &= ~bit

    def _uplift(self, seats_before: int) -> float:
        # Who takes fewer seats is not asked for a higher price as well.
        has_shrunk = self._seats < seats_before
        return float(self._random.uniform(1.03, 1.07)) if not has_shrunk and self._chance(0.55) else 1.0

    def _renew(self, day: date) -> None:
        previous, self._contract_cents = self._contract_cents, 12 * self._mrr()
        ways = {True: "Expansion", False: "Contraction"}
        kind = "Flat" if previous == self._contract_cents else ways[self._contract_cents > previous]
        if kind == "Expansion" and self._chance(0.06):
            kind = "Early Renewal"
        self._life.renewals.append(Renewal(day - self._days(8, 30), day, previous, self._contract_cents, kind))

    def _pay(self, day: date) -> None:
        if not self._chance(LATE_PAYMENT * (1 if self._life.is_yearly else 2)):
            self._bill(day, "Pending" if self._chance(0.02) else "Paid")
            return
        self._bill(day, "Overdue" if self._life.is_yearly else "Failed")
        failed_on = day + self._days(3, 9)
        self._turn(failed_on, "Past Due")
        if self._life.is_yearly or self._chance(0.85):
            self._turn(failed_on + self._days(5, 16), "Active")
            return
        paused_on = failed_on + self._days(12, 18)
        self._turn(paused_on, "Suspended")
        if self._chance(0.4):
            self._resumes_on = paused_on + self._days(9, 20)
            self._turn(self._resumes_on, "Active")
        else:
            self._turn(paused_on + self._days(15, 30), "Cancelled")

    def _bill(self, on: date, payment: str) -> None:
        cents = self._features.bit_count() * self._tier.feature_cents
        self._life.bills.append(Bill(on, self._seats, self._seat_cents, self._features, cents, payment))

    def _change_seats(self, before: int, changed_on: date, effective_on: date, kind: str) -> None:
        delta = self._seats - before
        if delta:
            change = SeatChange(changed_on, effective_on, before, self._seats, kind, delta * self._seat_cents)
            self._life.seat_changes.append(change)

    def _turn(self, on: date, status: str, value_cents: int | None = None) -> None:
        self._life.events.append(Event(on, self._status, status, value_cents))
        self._status = status

    def _mrr(self) -> int:
        return self._seats * self._seat_cents + self._features.bit_count() * self._tier.feature_cents

    def _chance(self, share: float) -> bool:
        return bool(self._random.random() < share)

    def _days(self, least: int, most: int) -> timedelta:
        return timedelta(days=int(self._random.integers(least, most + 1)))

    def told(self) -> Life:
        """Return what is known when the last month has ended: what lies beyond it is not, but for what was agreed."""
        life, end = self._life, self._request.last.last
        life.events = [event for event in life.events if event.on <= end]
        life.bills = [bill for bill in life.bills if bill.on <= end]
        life.seat_changes = [change for change in life.seat_changes if change.changed_on <= end]
        life.renewals = [renewal for renewal in life.renewals if renewal.on <= end or renewal.decided_on <= end]
        for event in life.events:
            is_paying, was_paying = (status in ("Active", "Past Due") for status in (event.new, event.previous))
            if is_paying and not was_paying:
                life.paid.append((event.on, None))
            elif was_paying and not is_paying:
                life.paid[-1] = (life.paid[-1][0], event.on)
        return life


def _billing_day(month: Month, starts_on: date) -> date:
    return date(month.year, month.number, min(starts_on.day, _LAST_BILLING_DAY))
