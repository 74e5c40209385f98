"""What can be done to the catalog: shops, products, prices, stock, imports, and what decisions do to them."""

from meadow.catalog.services.imports import ImportReport, Rejected, import_catalog, receive_import, run_import
from meadow.catalog.services.products import (
    NewSku,
    add_product,
    change_price,
    change_stock,
    forget_face_changes,
    limit_per_buyer,
    offer_product,
    withdraw_product,
)
from meadow.catalog.services.shops import change_shop, close_shop, close_shops_of, open_shop, reopen_shop
from meadow.catalog.services.standing import (
    end_suspension,
    restore,
    restore_shops_of,
    suspend,
    suspend_shops_of,
    undo,
)
from meadow.catalog.services.stock import (
    expire_reservations,
    release,
    reserve,
    reserve_for_causes,
    restock,
    take,
    take_for_causes,
)
from meadow.catalog.services.texts import texts_of_products, texts_of_shops

__all__ = [
    "forget_face_changes",
    "texts_of_products",
    "texts_of_shops",
    "ImportReport",
    "NewSku",
    "Rejected",
    "add_product",
    "change_price",
    "change_shop",
    "change_stock",
    "close_shop",
    "close_shops_of",
    "end_suspension",
    "expire_reservations",
    "import_catalog",
    "limit_per_buyer",
    "offer_product",
    "open_shop",
    "receive_import",
    "release",
    "reopen_shop",
    "reserve",
    "reserve_for_causes",
    "restock",
    "restore",
    "restore_shops_of",
    "run_import",
    "suspend",
    "suspend_shops_of",
    "take",
    "take_for_causes",
    "undo",
    "withdraw_product",
]
