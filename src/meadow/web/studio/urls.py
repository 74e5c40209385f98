"""Addresses of the pages where creators work, of showcases and of favourites."""

from django.urls import URLPattern, path
from django.views.generic import RedirectView

from meadow.web.shop import favourites, wall
from meadow.web.studio import goods, posts, showcase

urlpatterns: list[URLPattern] = [
    path("studio", posts.studio, name="studio"),
    path("studio/goods", goods.goods, name="pick_goods"),
    path("studio/commissions", RedirectView.as_view(pattern_name="earnings", permanent=True)),  # where it was before
    path("studio/recommend", posts.recommend, name="recommend"),
    path("studio/recommendations/<str:public_id>/end", posts.end, name="end_recommendation"),
    path("studio/showcase", showcase.showcase, name="my_showcase"),
    path("studio/showcase/add", showcase.add, name="add_to_showcase"),
    path("studio/showcase/change", showcase.change, name="change_showcase"),
    path("c/<str:creator>", wall.wall, name="showcase"),
    path("favourites", favourites.favourites, name="favourites"),
    path("favourites/keep", favourites.keep, name="keep_favourite"),
    path("favourites/change", favourites.change, name="change_favourite"),
]
