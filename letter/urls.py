from django.urls import include, path

from letter import converters, paper, passing_on, views

__all__ = ["converters"]  # imported for the converter that it registers

# The past of a letter, in its default language or in another.
past = [
    path("editions/", views.editions, name="editions"),
    path("editions/compare/", views.compare, name="compare"),
    path("editions/<int:number>/", views.edition, name="edition"),
    path("editions/<int:number>/letter.pdf", views.edition_pdf, name="edition_pdf"),
    path("editions/<int:older>/<int:newer>/", views.comparison, name="comparison"),
    path("revisions/<int:number>/", views.revision, name="revision"),
    path("feed.atom", views.feed, name="feed"),
]

# The list by country, and what the search on the letter's page asks for.
countries = [
    path("countries/", views.countries, name="countries"),
    path("countries.json", views.countries_json, name="countries_json"),
]
# The lasting link to a line of the list.
line = path("signatory/<slug:line_id>/", views.line, name="line")
# What a letter is passed on with, likewise.
shared = [
    path("share/", passing_on.share, name="share"),
    path("embed/", passing_on.embed, name="embed"),
    path("card-<int:number>.png", passing_on.card, name="card"),
    path("badge/<slug:line_id>.<slug:kind>", passing_on.badge, name="badge"),
]

app_name = "letter"
urlpatterns = [
    path("", views.home, name="home"),
    path("schemas/signatories-1.json", views.schema, name="schema"),
    path("<language:language>/<slug:slug>/", views.page, name="page_in_language"),
    path("<slug:slug>/", views.page, name="page"),
    path("<slug:slug>/signatories.json", views.signatories_json, name="json"),
    path("<slug:slug>/signatories.csv", views.signatories_csv, name="csv"),
    path(
        "<slug:slug>/editions/<int:number>/signatories.json",
        views.edition_json,
        name="edition_json",
    ),
    path("<language:language>/<slug:slug>/", include([*past, *countries, *shared, line])),
    path("<slug:slug>/", include([*past, *countries, *shared, line])),
    path("embed.js", passing_on.embed_script, name="embed_script"),
    path("s/<int:pk>", passing_on.short, name="short"),
    path("s/<int:pk>/", passing_on.short),
    path("<slug:slug>/qr.<slug:kind>", passing_on.qr, name="qr"),
    *(
        path(
            f"{language}<slug:slug>/letter.{kind}", views.on_paper, {"kind": kind}, name=kind + name
        )
        for kind in paper.FORMATS
        for language, name in (("", ""), ("<language:language>/", "_in_language"))
    ),
]
