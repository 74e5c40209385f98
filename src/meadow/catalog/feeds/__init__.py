"""How product files are read and written: pure, streamed, and told apart by their content."""

from meadow.catalog.feeds.assemble import assemble
from meadow.catalog.feeds.recognise import Source, entries_of, recognise
from meadow.catalog.feeds.shapes import Draft, DraftSku, Entry, Fault, Picture, SoldProduct, SoldSku, Terms
from meadow.catalog.feeds.shelf import Shelf
from meadow.catalog.feeds.write import google_tsv, google_xml, shopify_csv

__all__ = [
    "Draft",
    "DraftSku",
    "Entry",
    "Fault",
    "Picture",
    "Shelf",
    "SoldProduct",
    "SoldSku",
    "Source",
    "Terms",
    "assemble",
    "entries_of",
    "google_tsv",
    "google_xml",
    "recognise",
    "shopify_csv",
]
