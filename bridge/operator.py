"""What the operator configured, as flows and clients ask for it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from datetime import timedelta

from yarl import URL

from bridge.clients.cpo import Cpo
from bridge.clients.guard import Guard, is_loopback
from bridge.clients.ocpi import Timeouts
from bridge.flows.emsp.emsp import VERSION
from bridge.flows.ports import Contact
from bridge.flows.register import Overrides, Platform
from bridge.ocpi.connection import Connection
from bridge.ocpi.credentials import CredentialsRole
from bridge.ocpi.flags import NO_FLAGS, Flags
from bridge.ocpi.headers import Party
from bridge.ocpi.types import BusinessDetails, InterfaceRole, ModuleID, Role
from bridge.ocpi.urls import join
from bridge.orders.item import Provider
from bridge.orders.plans import CommandPlan
from bridge.settings import Settings
from bridge.workers.puller import Pulled
from bridge.workers.registration import Candidate
from bridge.workers.renewal import Rotation


class Operator:
    """Settings, by CPO and party; fits flows.ports.Contacts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cpos = {cpo.id: cpo for cpo in settings.cpos}
        self._flags = {
            cpo.id: Flags(**{name: getattr(cpo.flags, name) for name in Flags.__struct_fields__})
            for cpo in settings.cpos
        }

    def cpos(self) -> Mapping[str, Cpo]:
        """Return how each CPO is to be called."""
        return {
            cpo.id: Cpo(
                id=cpo.id,
                overrides=self.overrides(cpo.id),
                timeouts=Timeouts(cpo.timeouts.connect_s, cpo.timeouts.total_s),
                flags=self.flags(cpo.id),
            )
            for cpo in self._settings.cpos
        }

    def tls(self) -> Mapping[str, ssl.SSLContext]:
        """Return how the CPOs are called that have authorities or a certificate of their own."""
        cpos = self._settings.cpos
        return {cpo.id: cpo.tls.showing for cpo in cpos if cpo.tls is not None}

    def overrides(self, cpo_id: str) -> Overrides:
        """Return the endpoints that replace what the CPO says about itself."""
        return {
            (ModuleID(module), InterfaceRole(role.upper())): url
            for module, roles in self._cpos[cpo_id].endpoints.items()
            for role, url in roles.items()
        }

    def is_hub(self, cpo_id: str) -> bool:
        """Return whether the CPO is said to be a hub."""
        return self._cpos[cpo_id].hub

    def flags(self, cpo_id: str) -> Flags:
        """Return what is known of a CPO's deviations; of one that is configured no longer, none."""
        return self._flags.get(cpo_id, NO_FLAGS)

    def cpo_ids(self) -> Sequence[str]:
        """Return the configured CPOs."""
        return tuple(self._cpos)

    def pulled(self) -> Mapping[str, Pulled]:
        """Return how often each CPO's lists are pulled."""
        cpos = self.cpos()
        return {
            cpo.id: Pulled(
                cpo=cpos[cpo.id],
                every_s={
                    ModuleID.HUB_CLIENT_INFO: cpo.poll.clients_s,
                    ModuleID.LOCATIONS: cpo.poll.locations_s,
                    ModuleID.TARIFFS: cpo.poll.tariffs_s,
                    ModuleID.SESSIONS: cpo.poll.sessions_s,
                    ModuleID.CDRS: cpo.poll.cdrs_s,
                },
                everything_s=cpo.poll.everything_s,
            )
            for cpo in self._settings.cpos
        }

    def candidates(self) -> Mapping[str, Candidate]:
        """Return the CPOs that the bridge registers with; the others register themselves."""
        cpos = self.cpos()
        return {
            cpo.id: Candidate(
                platform=Platform(
                    cpo_id=cpo.id,
                    versions_url=cpo.versions_url,
                    token_a=cpo.token_a.get_secret_value(),
                    overrides=self.overrides(cpo.id),
                ),
                own_versions_url=f"{self.public_url(cpo.id)}/ocpi/versions",
                own_roles=(self._role(),),
                timeouts=cpos[cpo.id].timeouts,
                flags=cpos[cpo.id].flags,
            )
            for cpo in self._settings.cpos
            if cpo.versions_url is not None
        }

    def rotations(self) -> Mapping[str, Rotation]:
        """Return how the tokens of each CPO are renewed, whichever side registered."""
        cpos = self.cpos()
        return {
            cpo.id: Rotation(
                cpo=cpos[cpo.id],
                versions_url=cpo.versions_url,
                own_versions_url=f"{self.public_url(cpo.id)}/ocpi/versions",
                own_roles=(self._role(),),
                every=None if cpo.rotate_days is None else timedelta(days=cpo.rotate_days),
            )
            for cpo in self._settings.cpos
        }

    def _role(self) -> CredentialsRole:
        own = self._settings.ocpi
        return CredentialsRole(
            role=Role.EMSP,
            business_details=BusinessDetails(name=own.business_name),
            party_id=own.party_id,
            country_code=own.country_code,
        )

    def public_url(self, cpo_id: str) -> str:
        """Return the bridge's address as this CPO reaches it."""
        return self._cpos[cpo_id].public_url or self._settings.public_url

    def response_url(self, plan: CommandPlan) -> str:
        """Return where the result of a command goes, at our address as its CPO reaches us."""
        base = self.public_url(plan.cpo_id)
        return join(base, "ocpi", VERSION, ModuleID.COMMANDS, plan.type, plan.id)

    def provider_of(self, connection: Connection, party: Party) -> Provider:
        """Return the Beckn provider of a CPO party.

        A party the operator named is what the operator said; the only party of a connection is
        the CPO itself, unless the connection is one to a hub; any other gets its OCPI ids and the
        name it gave in its credentials.
        """
        cpo = self._cpos[connection.cpo_id]
        for named in cpo.parties:
            if Party(named.country_code, named.party_id) == party:
                return Provider(id=named.provider.id, name=named.provider.name)
        details = connection.operator(party)
        logo = details.logo.url if details is not None and details.logo is not None else None
        cpos = (role for role in connection.roles if role.role is Role.CPO)
        own = {Party(role.country_code, role.party_id) for role in cpos}
        if connection.hub is None and len(own) <= 1 + len(cpo.parties):
            return Provider(id=cpo.provider.id, name=cpo.provider.name, image_url=logo)
        name = details.name if details is not None else str(party)
        return Provider(id=str(party), name=name, image_url=logo)

    def support(self, cpo_id: str | None) -> Contact | None:
        """Return the CPO's help desk, else our own, else None."""
        own = self._cpos[cpo_id].support if cpo_id in self._cpos else None
        for desk in (own, self._settings.support):
            if desk is not None and (desk.phone or desk.email or desk.url):
                return Contact(desk.phone, desk.email, desk.url)
        return None

    def feedback_url(self) -> str | None:
        """Return the form that on_rating offers."""
        return self._settings.feedback_url

    def callback_allowed(self, url: str) -> str | None:
        """Return why a track callback_url may not be called; None = it may."""
        settings = self._settings
        return Guard(settings.allow_hosts, allow_private=settings.allow_private).refusal(url)

    def bap_guard(self) -> Guard:
        """Return which ``context.bap_uri`` may be called.

        A bridge that is itself reached over loopback only answers BAPs on the same machine.
        """
        return Guard(
            self._settings.allow_hosts,
            allow_private=self._settings.allow_private,
            allow_loopback=self._is_local(),
            tls=False,
        )

    def cpo_guard(self) -> Guard:
        """Return which URLs of CPOs may be called: any at the hosts that are configured."""
        named = [cpo.versions_url for cpo in self._settings.cpos if cpo.versions_url is not None]
        for cpo in self._settings.cpos:
            named += (url for roles in cpo.endpoints.values() for url in roles.values())
        hosts = {host for url in named if (host := URL(url).raw_host)}
        return self.bap_guard()._replace(allow_hosts=(*self._settings.allow_hosts, *hosts))

    def _is_local(self) -> bool:
        return is_loopback(URL(self._settings.public_url).raw_host or "")
