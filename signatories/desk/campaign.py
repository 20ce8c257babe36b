"""The campaign at a glance: a letter's front page in the admin."""

from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from letter.models import Letter
from signatories import campaign, charts
from signatories.desk.pages import page_context

COUNTRIES_NAMED: Final = 15


@dataclass(frozen=True)
class CountryRow:
    """A row of the table of countries."""

    name: str
    count: int
    bar: SafeString


def campaign_page(request: HttpRequest, pk: int) -> HttpResponse:
    """How a letter's campaign stands, for those who may see its sign-ons."""
    if not request.user.has_perm("signatories.view_signatory"):
        raise PermissionDenied
    letter = get_object_or_404(Letter.objects.entrusted_to(request.user), pk=pk)
    now = timezone.now()
    states = campaign.state_counts(letter)
    with timezone.override(letter.zone):
        context: dict[str, Any] = {
            **page_context(request, letter.title),
            "letter": letter,
            "now": now,
            "status": letter.status(at=now).value,
            "edition": letter.newest_edition(),
            "attention": campaign.attention(letter, states, at=now),
            "queue": campaign.queue(letter, states),
            "total": sum(each.count for each in states),
            **_growth(letter),
            **_states(states),
            **_countries(letter),
        }
        response = TemplateResponse(request, "admin/signatories/signatory/campaign.html", context)
        return response.render()  # here, in the letter's zone


def _growth(letter: Letter) -> dict[str, Any]:
    days = campaign.days(letter)
    words = charts.Words(
        "growth",
        _("Sign-ons over time"),
        _("Three rising lines: sign-ons that came in, confirmed addresses, approved sign-ons."),
    )
    series = {
        "came-in": [day.came_in for day in days],
        "confirmed": [day.confirmed for day in days],
        "approved": [day.approved for day in days],
    }
    return {
        "days": days[::-1],
        "growth_chart": charts.line_chart(words, [day.date for day in days], series),
    }


def _states(states: list[campaign.StateCount]) -> dict[str, Any]:
    words = charts.Words(
        "states", _("Sign-ons by state"), _("One bar, divided by the state of the sign-ons.")
    )
    parts = [(each.state.value, str(each.state.label), each.count) for each in states]
    return {"states": states, "states_chart": charts.stacked_bar(words, parts)}


def _countries(letter: Letter) -> dict[str, Any]:
    counts = campaign.country_counts(letter)
    most = counts[0].count if counts else 1
    rows = [CountryRow(each.name, each.count, charts.bar(each.count / most)) for each in counts]
    words = charts.Words(
        "world",
        _("Approved organisations by country"),
        _("A map with one tile per country, darker the more organisations there are."),
    )
    return {
        "country_count": len(counts),
        "countries": rows[:COUNTRIES_NAMED],
        "other_countries": rows[COUNTRIES_NAMED:],
        "others_count": sum(each.count for each in counts[COUNTRIES_NAMED:]),
        "world_map": charts.map_of_world(words, {each.code: each.count for each in counts}),
    }
