"""Addresses of the pages."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from meadow.web import site
from meadow.web.aftersale.urls import urlpatterns as aftersale_pages
from meadow.web.earnings.urls import urlpatterns as earning_pages
from meadow.web.inbox import pages as inbox
from meadow.web.inbox import sends
from meadow.web.links.urls import urlpatterns as link_pages
from meadow.web.money.urls import urlpatterns as money_pages
from meadow.web.people import account, claim
from meadow.web.rulebook.urls import urlpatterns as rules_pages
from meadow.web.selling.urls import urlpatterns as selling_pages
from meadow.web.share.urls import urlpatterns as share_pages
from meadow.web.shop import addresses, cart, checkout, feed, landing, orders, payment, permalink, posts
from meadow.web.studio.urls import urlpatterns as studio_pages
from meadow.web.talk import pages as talk
from meadow.web.talk import reports

urlpatterns: list[URLPattern | URLResolver] = [
    path("", feed.feed, name="feed"),
    path("p/<str:public_id>", posts.post, name="post"),
    path("p/<str:public_id>/comment", talk.comment, name="comment"),
    path("p/<str:public_id>/comments/<str:comment>/withdraw", talk.withdraw_comment, name="withdraw_comment"),
    path("g/<str:public_id>", posts.product, name="product"),
    path("shop/<str:which>", posts.shop, name="shop"),
    path("pictures/<str:public_id>.svg", posts.picture, name="picture"),
    path("pictures/<str:public_id>.webp", talk.picture, name="sent_picture"),
    path("report/<str:kind>/<str:public_id>", reports.report, name="report"),
    # Upper case keeps QR codes small; people and apps change the case.
    path("S/<str:code>", landing.landing, name="landing"),
    re_path(r"^[sS]/(?P<code>[^/]+)/?\Z", landing.landing),
    re_path(r"^q/(?P<code>[0-9A-Za-z]+(?:-[0-9A-Za-z]{2})?)\.(?P<kind>svg|png)\Z", landing.qr, name="qr"),
    re_path(
        r"^q/(?P<code>[0-9A-Za-z]+(?:-[0-9A-Za-z]{2})?)/(?P<name>poster|card|square)\.png\Z",
        landing.picture,
        name="share_picture",
    ),
    *share_pages,
    *studio_pages,
    path("paste", landing.paste, name="paste"),
    path("buy", permalink.endpoint, name="buy"),
    path("buy/<str:items>", permalink.permalink, name="permalink"),
    path("cart", cart.cart, name="cart"),
    path("cart/add", cart.add, name="add_to_cart"),
    path("cart/change", cart.change, name="change_cart"),
    path("cart/checkout", cart.check_out, name="checkout_cart"),
    path("checkout/<str:token>", checkout.checkout, name="checkout"),
    path("pay/back/<str:payment>", payment.back, name="pay_back"),
    path("pay/<str:token>", payment.pay, name="pay"),
    path("o/<str:ref>", orders.order, name="order"),
    path("o/<str:ref>/confirm", orders.confirm, name="confirm_receipt"),
    path("o/<str:ref>/cancel", orders.cancel, name="cancel_order"),
    path("o/<str:ref>/claim", claim.claim, name="claim_order"),
    path("me", account.me, name="me"),
    path("me/addresses", addresses.addresses, name="addresses"),
    path("me/orders", orders.orders, name="orders"),
    path("me/apply", account.apply, name="apply_as_creator"),
    path("inbox", inbox.inbox, name="inbox"),
    path("inbox/chats", inbox.chats, name="chats"),
    path("inbox/chats/<str:public_id>", inbox.chat, name="chat"),
    path("inbox/write/<str:merchant>", inbox.write, name="write_to_merchant"),
    path("inbox/orders/<str:order>/phone", inbox.phone, name="phone"),
    path("inbox/reach", inbox.reach, name="reach"),
    path("inbox/reach/<str:kind>/<str:public_id>", inbox.reach_party, name="reach_party"),
    path("inbox/reach/change", inbox.change_reach, name="change_reach"),
    path("inbox/reach/quiet", inbox.change_quiet_hours, name="change_quiet_hours"),
    path("inbox/reach/caps", inbox.change_caps, name="change_caps"),
    path("inbox/sends", sends.sends, name="sends"),
    path("inbox/sends/new", sends.compose, name="compose_send"),
    path("inbox/sends/<str:public_id>/confirm", sends.confirm, name="confirm_send"),
    path("inbox/stop/<str:token>", inbox.stop, name="unsubscribe"),
    *aftersale_pages,
    *rules_pages,
    *money_pages,
    *link_pages,
    *selling_pages,
    *earning_pages,
    path("sandbox/mail", account.mailbox, name="mailbox"),
    path("accounts/", include("allauth.urls")),
    path("preferences", site.prefer, name="prefer"),
    path(".well-known/ucp", site.ucp, name="ucp"),
    path("robots.txt", site.robots, name="robots"),
    path("favicon.ico", site.favicon, name="favicon"),
    path("manifest.webmanifest", site.manifest, name="manifest"),
]
