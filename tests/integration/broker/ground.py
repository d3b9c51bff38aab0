"""The deployed broker with its clients."""

from tests.fixtures.deployed import DeployedBroker, device_certificate
from tests.integration.broker.client import Client, context


class Ground:
    """The broker and clients of it."""

    def __init__(self, broker: DeployedBroker) -> None:
        self.broker = broker
        self.ca = broker.certificates / "broker" / "steth-ca.crt"

    def device(
        self, device: str, *, websocket: bool = False, client_id: str | None = None, will: str | None = None
    ) -> Client:
        place = self.broker.certificates / "devices" / device
        if not place.exists():
            device_certificate(self.broker.certificates, device)
        return Client(
            self.broker.ports["websocket" if websocket else "devices"],
            context(self.ca, place / "device.crt"),
            client_id=device if client_id is None else client_id,
            websocket=websocket,
            will=will,
        )

    def service(self, name: str, *, client_id: str = "", expiry_s: int = 0, manual: bool = False) -> Client:
        return Client(
            self.broker.ports["services"],
            context(self.ca, self.broker.certificates / name / "client.crt"),
            client_id=client_id,
            expiry_s=expiry_s,
            manual=manual,
        )
