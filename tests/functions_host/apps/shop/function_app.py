"""A small shop: HTTP routes of every shape, and durable functions behind some of them."""

import azure.durable_functions as df
import azure.functions as func
from orders import orders
from pages import pages

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(pages)
app.register_functions(orders)
