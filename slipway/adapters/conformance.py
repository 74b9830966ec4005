"""Where mypy checks that every adapter fits the port that it stands for. Nothing here runs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.adapters.aks import Aks
    from slipway.adapters.aks.service_switch import ServiceSwitch
    from slipway.adapters.app_service import AppService, SlotRouter
    from slipway.adapters.audit_log import AuditLog
    from slipway.adapters.configuration.store import Configuration
    from slipway.adapters.container_apps import ContainerApps, RevisionRouter
    from slipway.adapters.dns import DnsSwitch
    from slipway.adapters.flags.before import FlagsInRows
    from slipway.adapters.flags.router import FlagRouter
    from slipway.adapters.flags.store import Flags
    from slipway.adapters.http_load import drive
    from slipway.adapters.http_probe import probe
    from slipway.adapters.load_testing import LoadTesting
    from slipway.adapters.receipts import Receipts
    from slipway.adapters.rows import Rows
    from slipway.adapters.service_bus import ServiceBus
    from slipway.adapters.traffic_manager import TrafficManagerRouter, TrafficManagerSwitch
    from slipway.promotion import ports
    from slipway.promotion.load_runs.plan import LoadRunPlan

    rows: ports.RowStore = Rows("")
    sites: ports.SlotPlatform = AppService()
    apps: ports.SlotPlatform = ContainerApps()
    clusters: ports.SlotPlatform = Aks()
    service_switch: ports.Switch = ServiceSwitch()
    slot_router: ports.TrafficRouter = SlotRouter()
    revision_router: ports.TrafficRouter = RevisionRouter()
    endpoint_router: ports.TrafficRouter = TrafficManagerRouter()
    endpoint_switch: ports.Switch = TrafficManagerSwitch()
    record_switch: ports.Switch = DnsSwitch()
    flag_router: ports.TrafficRouter = FlagRouter()
    flags: ports.FlagStore = Flags()
    flags_before: ports.FlagsBefore = FlagsInRows()
    configuration: ports.ConfigurationStore = Configuration()
    receipts: ports.ReceiptBook = Receipts()
    audit: ports.AuditTrail = AuditLog()
    bus: ports.MessageBus = ServiceBus()
    a_probe: ports.Probe = probe
    a_driver: ports.LoadDriver = drive
    load_runs: ports.LoadRuns = LoadTesting(LoadRunPlan("", ""))
