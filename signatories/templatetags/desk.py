"""What the admin's own pages show of ours."""

from typing import Any

from django import template

from letter.models import Letter
from signatories import campaign, moderation

register = template.Library()


@register.inclusion_tag("admin/signatories/_campaigns.html", takes_context=True)
def campaigns(context: template.Context) -> dict[str, Any]:
    """The letters that somebody may work on and how each stands, for those who may see sign-ons."""
    user = context["request"].user
    may_see = user.has_perm("signatories.view_signatory")
    overviews = campaign.overviews(Letter.objects.entrusted_to(user)) if may_see else []
    return {"overviews": overviews, "may_see": may_see}


@register.simple_tag
def most_of_reason() -> int:
    """How many characters the reason for a decision may have."""
    return moderation.MOST_OF_REASON
