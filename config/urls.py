from django.conf import settings
from django.contrib import admin
from django.http import Http404
from django.urls import include, path, re_path
from django.utils.translation import gettext_lazy as _

from config import inbox, logging_in, metrics, views

admin.site.site_header = "Undersigned"
admin.site.site_title = "Undersigned"
admin.site.index_title = _("The coordinators' desk")
# The lists need the room; the start page has the same links.
admin.site.enable_nav_sidebar = False

# The inbox shows the links in mails to whoever asks, so it is the demo's alone.
demo_urls = [
    path("inbox/", inbox.inbox, name="inbox"),
    path("inbox/<str:name>/", inbox.message, name="inbox_message"),
]

handler400, handler404, handler500 = views.bad_request, views.page_not_found, views.server_error

urlpatterns = [
    *(demo_urls if settings.DEMO and settings.EMAIL_IN_FILES else []),
    path("admin/", include(logging_in.urlpatterns)),
    # The admin's way from any row to its public page asks for no permission; a draft's address is private.
    re_path("^admin/r/", views.page_not_found, {"exception": Http404()}),
    path("admin/", admin.site.urls),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("robots.txt", views.robots, name="robots"),
    path("favicon.ico", views.favicon, name="favicon"),
    # A letter's address is one segment at the root, so letters come last.
    path("", include("signatories.urls")),
    path("", include("letter.urls")),
]
