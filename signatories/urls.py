from django.urls import path

from letter import converters
from signatories import views

__all__ = ["converters"]  # imported for the converter that it registers

app_name = "signatories"
# In each language in which the letter has a text, under "/<language>/"; in its default language without.
pages = [
    ("sign/", views.sign, "sign"),
    ("sign/sent/", views.sent, "sent"),
    ("sign/hint/", views.hint, "hint"),
    ("erased/", views.erased, "erased"),
    ("privacy/", views.privacy, "privacy"),
]
urlpatterns = [
    *(path(f"<slug:slug>/{end}", view, name=name) for end, view, name in pages),
    *(
        path(f"<language:language>/<slug:slug>/{end}", view, name=f"{name}_in_language")
        for end, view, name in pages
    ),
    path("<slug:slug>/via/<slug:code>/", views.via, name="via"),
    path("<language:language>/<slug:slug>/via/<slug:code>/", views.via, name="via_in_language"),
    path("<slug:slug>/confirm/<str:token>/", views.confirm, name="confirm"),
    path("<slug:slug>/not-us/<str:token>/", views.not_us, name="not_us"),
    path("<slug:slug>/signature/<str:token>/", views.signature, name="signature"),
    path("<slug:slug>/signature/<str:token>/correct/", views.correct, name="correct"),
    path("<slug:slug>/signature/<str:token>/withdraw/", views.withdraw, name="withdraw"),
    path("<slug:slug>/signature/<str:token>/renew/", views.renew, name="renew"),
    path("<slug:slug>/signature/<str:token>/updates/", views.updates, name="updates"),
    path("<slug:slug>/signature/<str:token>/erase/", views.erase, name="erase"),
    path("<slug:slug>/signature/<str:token>/data.json", views.data, name="data"),
    path("<slug:slug>/organisation/<str:token>/", views.organization, name="organization"),
]
