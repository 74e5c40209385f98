"""How a product file is taken in: at once, or received now and worked off by a worker."""

from meadow.catalog.services.imports.intake import ImportReport, Rejected, import_catalog, receive_import, run_import

__all__ = ["ImportReport", "Rejected", "import_catalog", "receive_import", "run_import"]
