"""Static files under names that change with their content, known before they have been collected."""

from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """WhiteNoise's storage, which `manage.py publish` may also ask where nothing has been collected yet.

    The name of a file that is not in the manifest is made from the source, as collecting it would.
    """

    manifest_strict = False

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        cleaned = self.clean_name(filename or name)
        if content is None and not self.exists(cleaned):
            source = finders.find(cleaned)
            if source:
                content = ContentFile(Path(source).read_bytes())
        return str(super().hashed_name(name, content, filename))
