from django.urls import path

from signatories import views

app_name = "signatories"
urlpatterns = [
    path("<slug:slug>/sign/", views.sign, name="sign"),
    path("<slug:slug>/sign/sent/", views.sent, name="sent"),
    path("<slug:slug>/sign/hint/", views.hint, name="hint"),
    path("<slug:slug>/confirm/<str:token>/", views.confirm, name="confirm"),
    path("<slug:slug>/not-us/<str:token>/", views.not_us, name="not_us"),
    path("<slug:slug>/organisation/<str:token>/", views.organization, name="organization"),
    path("<slug:slug>/erased/", views.erased, name="erased"),
    path("<slug:slug>/signature/<str:token>/", views.signature, name="signature"),
    path("<slug:slug>/signature/<str:token>/correct/", views.correct, name="correct"),
    path("<slug:slug>/signature/<str:token>/withdraw/", views.withdraw, name="withdraw"),
    path("<slug:slug>/signature/<str:token>/data.json", views.data, name="data"),
]
