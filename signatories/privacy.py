"""What is kept of whoever signs a letter, in words; the rules themselves are in `retention`."""

from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from letter.models import Letter
from signatories.retention import days_kept


@dataclass(frozen=True)
class Kept:
    """One thing that is kept: what for, by what right, who sees it, and until when."""

    what: str
    purpose: str
    basis: str
    seen_by: str
    until: str


def what_is_kept(letter: Letter) -> list[Kept]:
    """All that is kept of whoever signs, in the active language."""
    days = {name: _days(count) for name, count in days_kept(letter).items()}
    # GDPR, article 6(1)(f) and (a).
    interest = gettext("Basis: our interest in a list that can be trusted.")
    consent = gettext("Basis: your consent.")
    not_personal = gettext("It says nothing about a person.")
    coordinators = gettext("The coordinators, and who runs the site for them.")
    nobody = gettext("Nobody; the programs alone use it.")
    with_contact = gettext("As long as your name and address.")
    return [
        Kept(
            gettext("Your organisation’s name and countries"),
            gettext("To be printed under the letter, in each of its editions."),
            not_personal,
            gettext("Everybody."),
            gettext("For good."),
        ),
        Kept(
            gettext("Your name, role and e-mail address"),
            gettext(
                "To confirm the signature, to decide about it, and to write to you about this letter."
            ),
            interest,
            gettext(
                "The coordinators, and who runs the site for them. If your organisation is asked whether it signs, "
                "your name and role stand in that mail."
            ),
            gettext(
                "Until you erase them. Counted from when the letter has closed and its last edition is out: "
                "%(days)s. If the address is never confirmed: %(unconfirmed)s."
            )
            % {"days": days["contacts"], "unconfirmed": days["unconfirmed"]},
        ),
        Kept(
            gettext(
                "Notes about how the signature came, earlier names and addresses of its contact"
            ),
            gettext("So that coordinators know what was done, and by whom."),
            interest,
            coordinators,
            with_contact,
        ),
        Kept(
            gettext("Which mails we sent you and when, but not their text"),
            gettext("So that none is lost and none is sent twice."),
            interest,
            coordinators,
            with_contact,
        ),
        Kept(
            gettext(
                "A code by which we know the links in our mails, from which no link can be made"
            ),
            gettext("To open your own page to you alone."),
            interest,
            nobody,
            with_contact,
        ),
        Kept(
            gettext("Whether you want news by e-mail"),
            gettext("To send it."),
            consent,
            coordinators,
            with_contact,
        ),
        Kept(
            gettext("At which address your organisation was asked, and its words"),
            gettext("To hear from your organisation itself whether it signs."),
            interest,
            coordinators,
            with_contact,
        ),
        Kept(
            gettext("For how many seconds the form was open"),
            gettext("To tell people from programs."),
            interest,
            coordinators,
            with_contact,
        ),
        Kept(
            gettext("A code made from your network’s address, never the address itself"),
            gettext("To notice many names that are sent from one place."),
            interest,
            gettext("The coordinators see that several came from one place, not from where."),
            days["networks"],
        ),
        Kept(
            gettext(
                "A code made from the e-mail address, each time that a form has us write there"
            ),
            gettext("So that nobody can have you mailed more than a few times a day."),
            interest,
            nobody,
            days["mails"],
        ),
        Kept(
            gettext("What stood in two signatures before they were combined"),
            gettext("To separate them again, where that was a mistake."),
            interest,
            nobody,
            gettext("%(days)s, or until you are erased.") % {"days": days["merges"]},
        ),
        Kept(
            gettext("Your organisation’s website, and by whose link the form was opened"),
            gettext("To know the organisation again, and who passes the letter on."),
            not_personal,
            coordinators,
            gettext("For good."),
        ),
        Kept(
            gettext("What was decided about the signature, when, and by which coordinator"),
            gettext("So that anybody can be told why an organisation is, or is not, on the list."),
            gettext("It holds no name of yours once you are erased."),
            coordinators,
            gettext("For good."),
        ),
        Kept(
            gettext("Which coordinator opened which signature at which time"),
            gettext("So that nobody looks at your data without need."),
            interest,
            gettext("Who runs the site. It names the signature by its reference, and never you."),
            gettext("As long as the site’s logs."),
        ),
    ]


def _days(count: int) -> str:
    return ngettext("%(days)s day", "%(days)s days", count) % {"days": count}
