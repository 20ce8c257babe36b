from django.urls import path, register_converter

from letter import views
from letter.models import LANGUAGE_CODES


class LanguageConverter:
    """A language code that a letter can be written in."""

    regex = "|".join(sorted(LANGUAGE_CODES, key=len, reverse=True))

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(LanguageConverter, "language")

app_name = "letter"
urlpatterns = [
    path("", views.home, name="home"),
    path("<language:language>/<slug:slug>/", views.page, name="page_in_language"),
    path("<slug:slug>/", views.page, name="page"),
    path("<slug:slug>/signatories.json", views.signatories_json, name="json"),
    path("<slug:slug>/signatories.csv", views.signatories_csv, name="csv"),
]
