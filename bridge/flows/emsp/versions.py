"""OCPI 2.2.1 version_information_endpoint: where our modules are."""

from __future__ import annotations

from bridge.flows.emsp.emsp import VERSION, Call, Emsp, Reply
from bridge.ocpi.types import InterfaceRole, ModuleID
from bridge.ocpi.versions import Endpoint, Version, VersionDetails

MODULES = {
    # The role means nothing for credentials; SENDER is what most peers expect to read there.
    ModuleID.CREDENTIALS: InterfaceRole.SENDER,
    ModuleID.LOCATIONS: InterfaceRole.RECEIVER,
    ModuleID.TARIFFS: InterfaceRole.RECEIVER,
    ModuleID.SESSIONS: InterfaceRole.RECEIVER,
    ModuleID.CDRS: InterfaceRole.RECEIVER,
    ModuleID.TOKENS: InterfaceRole.SENDER,
    ModuleID.COMMANDS: InterfaceRole.SENDER,
}

HUB_MODULES = {ModuleID.HUB_CLIENT_INFO: InterfaceRole.RECEIVER}
"""What only a hub finds with us."""


async def get_versions(emsp: Emsp, call: Call) -> Reply:
    """List 2.2.1, the only version there is."""
    return Reply(data=(Version(version=VERSION, url=emsp.url(call.cpo_id)),))


async def get_details(emsp: Emsp, call: Call) -> Reply:
    """List our endpoints under the address this CPO uses, in the form it can join to."""
    modules = MODULES | (HUB_MODULES if await emsp.is_hub(call.cpo_id) else {})
    end = "/" if emsp.flags(call.cpo_id).endpoint_slash else ""
    endpoints = tuple(
        Endpoint(identifier=module, role=role, url=emsp.url(call.cpo_id, module) + end)
        for module, role in modules.items()
    )
    return Reply(data=VersionDetails(version=VERSION, endpoints=endpoints))
