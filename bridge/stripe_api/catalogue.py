"""The catalogue: products, their prices, and the features that products carry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bridge.core.model.stripe import Feature, Price, Product
from bridge.stripe_api.http import StripeHttp, path, reading
from bridge.stripe_api.reader import carried_feature, read_feature, read_price, read_product

_CURRENCIES = "currency_options"  # returned only if it is asked for


def one_product(http: StripeHttp, product_id: str, *, features: bool) -> Product:
    """A product as it is now. `features`: and which of them it carries, a request more."""
    with reading(product_id):
        found = read_product(http.get(path("/v1/products/{}", product_id)))
        return _with_features(http, found) if features else found


def one_price(http: StripeHttp, price_id: str) -> Price:
    """A price as it is now."""
    with reading(price_id):
        return read_price(http.get(path("/v1/prices/{}", price_id), expand=[_CURRENCIES]))


def say(http: StripeHttp, thing: Product | Price, words: Mapping[str, str]) -> Product | Price:
    """Write into its metadata; an empty value removes a key. Returns it as it is afterwards."""
    with reading(thing.id):
        if isinstance(thing, Product):
            raw = http.post(path("/v1/products/{}", thing.id), {"metadata": dict(words)})
            return replace(read_product(raw), features=thing.features)
        params = {"metadata": dict(words), "expand": [_CURRENCIES]}
        return read_price(http.post(path("/v1/prices/{}", thing.id), params))


def all_features(http: StripeHttp) -> tuple[Feature, ...]:
    """All features of Stripe's Entitlements, archived ones included."""
    # Without this parameter Stripe lists both; with it, only those that are (not) archived.
    with reading("the features"):
        return tuple(map(read_feature, http.all("/v1/entitlements/features")))


def everything(http: StripeHttp, *, features: bool) -> Iterator[tuple[list[Product], list[Price]]]:
    """All products, then all prices, page by page; see `StripeApi.catalogue`."""
    for page in http.pages("/v1/products"):
        with reading("a page of products"):
            products = [read_product(raw) for raw in page]
            if features:
                products = [_with_features(http, product) for product in products]
        yield products, []
    for page in http.pages("/v1/prices", expand=[f"data.{_CURRENCIES}"]):
        with reading("a page of prices"):
            prices = [read_price(raw) for raw in page]
        yield [], prices


def _with_features(http: StripeHttp, product: Product) -> Product:
    rows = http.all(path("/v1/products/{}/features", product.id))
    return replace(product, features=tuple(sorted(map(carried_feature, rows))))
