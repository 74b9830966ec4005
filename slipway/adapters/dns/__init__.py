"""Azure DNS (azure-mgmt-dns, api 2018-05-01): a record that names one of two sides, as a switch."""

from slipway.adapters.dns.switching import DnsSwitch

__all__ = ["DnsSwitch"]
