"""What the admin's own pages show of ours."""

from typing import Any

from django import template

from signatories import campaign

register = template.Library()


@register.inclusion_tag("admin/signatories/_campaigns.html", takes_context=True)
def campaigns(context: template.Context) -> dict[str, Any]:
    """The letters and how each stands, for those who may see sign-ons."""
    may_see = context["request"].user.has_perm("signatories.view_signatory")
    return {"overviews": campaign.overviews() if may_see else [], "may_see": may_see}
