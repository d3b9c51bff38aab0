"""What the settings make of addresses."""

import pytest

from steth.settings import Settings


@pytest.mark.parametrize(
    ("mqtt", "public", "told"),
    [
        ("mqtts://broker.example:8884", "", "mqtts://broker.example:8884"),
        ("mqtt://steth:s3cret@127.0.0.1:1883", "", "mqtt://127.0.0.1:1883"),
        ("mqtt://127.0.0.1:1883", "mqtts://steth.example:8883", "mqtts://steth.example:8883"),
    ],
)
def test_an_agent_is_told_the_broker_s_address_and_no_login_of_ours(mqtt: str, public: str, told: str) -> None:
    assert Settings(mqtt=mqtt, mqtt_public=public).told_mqtt() == told
