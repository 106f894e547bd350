"""Whatever an order sends to its CPO, made of the CPO's settings and its connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.clients.commands import command
from bridge.clients.cpo import Cpo
from bridge.clients.ocpi import OcpiClient
from bridge.clients.pushes import push_preferences, push_token
from bridge.flows.peer import CallFailed
from bridge.flows.ports import Connections
from bridge.ocpi.commands import CommandResponse
from bridge.ocpi.sessions import ChargingPreferencesResponse
from bridge.orders.plans import CommandPlan, PreferencesPlan, TokenPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class CpoSender:
    """Fits workers.commands.Sender. All methods raise CallFailed.

    Args:
        response_url: where the CommandResult of a command goes, as its CPO reaches us.
    """

    client: OcpiClient
    connections: Connections
    cpos: Mapping[str, Cpo]
    response_url: Callable[[CommandPlan], str]

    async def command(self, plan: CommandPlan) -> CommandResponse:
        """POST a command once."""
        cpo, connection = self._cpo(plan.cpo_id), await self.connections.get(plan.cpo_id)
        return await command(
            self.client,
            cpo,
            connection,
            plan,
            self.response_url(plan),
            correlation_id=plan.correlation_id,
        )

    async def token(self, plan: TokenPlan) -> bool:
        """PUT or PATCH a token; False: the CPO takes none."""
        cpo, connection = self._cpo(plan.cpo_id), await self.connections.get(plan.cpo_id)
        return await push_token(self.client, cpo, connection, plan)

    async def preferences(self, plan: PreferencesPlan) -> ChargingPreferencesResponse:
        """PUT what the driver wishes of a session."""
        cpo, connection = self._cpo(plan.cpo_id), await self.connections.get(plan.cpo_id)
        return await push_preferences(self.client, cpo, connection, plan)

    def _cpo(self, cpo_id: str) -> Cpo:
        try:
            return self.cpos[cpo_id]
        except KeyError:
            raise CallFailed(f"{cpo_id} is not configured", nothing_left=True) from None
