"""Whoever works here goes on working on all letters; a new group works on those it is assigned.

The permission is made here under the name that Django would give it, as in 0002_groups.
"""

from django.db import migrations
from django.db.models import Q

# What all letters share is read by those who work on some, and changed by those who work on all.
SHARED = Q(content_type__model__in=["organization", "savedreason", "savedreasontext"]) & ~Q(
    codename__startswith="view_"
)


def grant(apps, schema_editor):
    content_type = apps.get_model("contenttypes", "ContentType")
    permission = apps.get_model("auth", "Permission")
    group = apps.get_model("auth", "Group")
    user = apps.get_model("auth", "User")
    of, _created = content_type.objects.get_or_create(app_label="letter", model="letter")
    all_letters, _created = permission.objects.get_or_create(
        content_type=of, codename="all_letters", defaults={"name": "Can work on all letters"}
    )
    ours = permission.objects.filter(content_type__app_label__in=["letter", "signatories"])
    for one in group.objects.filter(permissions__in=ours).distinct():
        one.permissions.add(all_letters)
    for one in user.objects.filter(user_permissions__in=ours).distinct():
        one.user_permissions.add(all_letters)
    limited, _created = group.objects.get_or_create(name="letter coordinator")
    theirs = permission.objects.filter(group__name="coordinator").exclude(pk=all_letters.pk)
    limited.permissions.set(theirs.exclude(SHARED))


def take_back(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name="letter coordinator").delete()
    apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="letter", codename="all_letters"
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("signatories", "0011_likely_duplicates"),
        ("letter", "0002_coordinators_and_changes"),
    ]
    operations = [migrations.RunPython(grant, take_back)]
