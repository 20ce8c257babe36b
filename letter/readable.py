"""What the models of both apps have in common that keep words for people to read."""

from typing import Any

from django.db import models

from letter.characters import without_hidden


class Readable(models.Model):
    """Rows whose words people read: none is stored with a character that hides or moves others."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        for field in self._meta.concrete_fields:
            # Not by getattr, which would fetch a field that was left out.
            text = self.__dict__.get(field.attname)
            if isinstance(text, str) and (shown := without_hidden(text)) != text:
                setattr(self, field.attname, shown)
        super().save(*args, **kwargs)
