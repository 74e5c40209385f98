"""Addresses of the pages of sharing."""

from django.urls import URLPattern, URLResolver, path

from meadow.web.share import channels, pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("share", pages.shares, name="share"),
    path("share/new", pages.new, name="share_new"),
    path("share/page", pages.page, name="share_page"),
    path("share/convert", pages.convert, name="share_convert"),
    path("share/<str:public_id>", pages.share, name="share_token"),
    path("share/<str:public_id>/revoke", pages.revoke, name="share_revoke"),
    path("share/<str:public_id>/report", pages.report, name="share_report"),
    path("channels", channels.channels, name="channels"),
    path("channels/new", channels.new_channel, name="new_channel"),
    path("channels/alarms/<str:public_id>/close", channels.close_alarm, name="close_channel_alarm"),
    path("channels/<str:code>", channels.channel, name="channel"),
    path("channels/<str:code>/block-links", channels.block_links, name="block_channel_links"),
]
