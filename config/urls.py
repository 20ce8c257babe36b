from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from config import inbox, views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
    *([path("inbox/", inbox.inbox, name="inbox")] if settings.DEMO else []),
    *([path("inbox/<str:name>/", inbox.message, name="inbox_message")] if settings.DEMO else []),
    # A letter's address is one segment at the root, so letters come last.
    path("", include("signatories.urls")),
    path("", include("letter.urls")),
]
