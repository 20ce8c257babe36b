"""What an admin's list may be asked about."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.http import HttpRequest


class OfferedLookups(admin.ModelAdmin[Any]):
    """A list that is filtered across relations by what it offers, and by nothing else that an address may name.

    Otherwise anybody who reads the one could ask which rows of the other belong to it, whether or not
    those are theirs to see.
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
        return super().lookup_allowed(lookup, value, request)

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        # Django's breaks on a relation from elsewhere.
        return to_field == self.opts.pk.name
