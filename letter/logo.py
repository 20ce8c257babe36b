"""A letter's logo: what is uploaded is read as a picture and drawn again, so that nothing but the picture is kept."""

import io
from dataclasses import dataclass
from typing import IO, Final

from django.utils.translation import gettext as _
from PIL import Image, ImageOps

from letter.models import Letter, Logo

FORMATS: Final = ("PNG", "JPEG", "WEBP")
MOST_BYTES: Final = 2_000_000
MOST_PIXELS: Final = 20_000_000
# On paper it is at most 18 mm high: at 400 pixels that is finer than printers print.
_BOX: Final = (1200, 400)
# It is in each of the PDFs of a letter's recipients, of which there may be hundreds.
_MOST_DRAWN: Final = 250_000  # bytes


class NotDrawn(ValueError):
    """No logo can be made of it. The message is a sentence for whoever sent it."""


@dataclass(frozen=True)
class Drawing:
    """A picture as we have drawn it: PNG, its size in pixels."""

    png: bytes
    width: int
    height: int


def drawn(file: IO[bytes]) -> Drawing:
    """The picture in an uploaded file, as it is kept; raises NotDrawn."""
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise NotDrawn(_("The logo is larger than 2 MB. Please save it smaller."))
    too_large = _("The logo has more than 20 million pixels. Please save it smaller.")
    try:
        # Pillow opens a hundred formats; the others are nobody's logo, and their readers are less looked after.
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            is_too_large = picture.width * picture.height > MOST_PIXELS
            seen = None if is_too_large else _as_seen(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NotDrawn(too_large) from error
    except Exception as error:  # a broken file breaks Pillow in a hundred ways
        raise NotDrawn(
            _("This is no picture in PNG, JPEG or WebP that can be read. Please save it anew.")
        ) from error
    if seen is None:
        raise NotDrawn(too_large)
    return _small_enough(seen)


def _as_seen(picture: Image.Image) -> Image.Image:
    """Upright, in colours that a PNG has, without anything that stood beside the pixels."""
    upright = ImageOps.exif_transpose(picture)
    seen = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    # What stood beside them, where they were taken for example, is not written.
    seen.info.clear()
    return seen


def _small_enough(picture: Image.Image) -> Drawing:
    box: tuple[float, float] = _BOX
    while True:
        picture.thumbnail(box, Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", optimize=True)
        if buffer.tell() <= _MOST_DRAWN:
            return Drawing(buffer.getvalue(), picture.width, picture.height)
        box = (picture.width * 0.7, picture.height * 0.7)


def keep(letter: Letter, drawing: Drawing | None, description: str) -> None:
    """Make this the letter's logo, in place of the one it had; None keeps the picture, with another description.

    A new picture is a new row, so that whoever has made something with the old one can tell.
    """
    logos = Logo.objects.filter(letter=letter)
    if drawing is None:
        logos.update(description=description)
        return
    logos.delete()
    Logo.objects.create(
        letter=letter,
        picture=drawing.png,
        width=drawing.width,
        height=drawing.height,
        description=description,
    )


def remove(letter: Letter) -> None:
    Logo.objects.filter(letter=letter).delete()
