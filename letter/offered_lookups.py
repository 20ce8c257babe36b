"""What an admin's list shows, and may be asked about."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from letter.models import Letter, entrusted


class OfferedLookups(admin.ModelAdmin[Any]):
    """A list that is filtered across relations by what it offers, and by nothing else that an address may name.

    Otherwise anybody who reads the one could ask which rows of the other belong to it, whether or not
    those are theirs to see. A number that no row can have, in an address or ticked, is nobody's either.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        offered = {
            each[0] if isinstance(each, tuple) else each for each in self.get_list_filter(request)
        }
        name = lookup.partition("__")[0]
        try:
            is_relation = self.opts.get_field(name).is_relation
        except FieldDoesNotExist:
            is_relation = False
        if is_relation and name not in offered:
            return False
        if is_relation and any(
            number.isdecimal() and not self._is_key(number) for number in value.split(",")
        ):
            raise IncorrectLookupParameters  # larger than any key, and than what SQLite takes
        return super().lookup_allowed(lookup, value, request)

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        # Django's breaks on a relation from elsewhere.
        return to_field == self.opts.pk.name

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Django's breaks on a tick that is no row's.
        ticks = request.POST.getlist(ACTION_CHECKBOX_NAME)
        rows = [tick for tick in ticks if self._is_key(tick)]
        if rows != ticks:
            sent = request.POST.copy()
            sent.setlist(ACTION_CHECKBOX_NAME, rows)
            request.POST = sent  # type: ignore[assignment]  # a QueryDict, too
        return super().changelist_view(request, extra_context)

    def _is_key(self, value: str) -> bool:
        try:
            self.opts.pk.clean(value, None)
        except ValidationError:
            return False
        return True


class OfLetters(OfferedLookups):
    """Rows that belong to a letter: those of the letters that are entrusted to whoever asks."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(entrusted(request.user, "letter"))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "letter":
            kwargs["queryset"] = Letter.objects.entrusted_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class AddedToLetters(OfLetters):
    """Rows that coordinators add to a letter, and take off it one by one, on the row's own page."""

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        initial = super().get_changeform_initial_data(request)
        letters = list(Letter.objects.entrusted_to(request.user).public()[:2])
        return initial if initial or len(letters) != 1 else {"letter": letters[0].pk}

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions
