"""What the settings make of addresses."""

import pytest

from steth.settings import Settings, SettingsError, load_settings


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


def test_proxies_are_addresses_and_networks() -> None:
    assert list(map(str, Settings(proxies="10.1.0.2, 2001:db8::/64").proxy_networks())) == [
        "10.1.0.2/32",
        "2001:db8::/64",
    ]
    assert Settings().proxy_networks() == ()


@pytest.mark.parametrize("proxies", ["*", "proxy", "10.1.0.2/24", "0.0.0.0/0", "::/0"])
def test_everybody_and_names_are_no_proxies(proxies: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STETH_PROXIES", proxies)
    with pytest.raises(SettingsError, match=r"^STETH_PROXIES: "):
        load_settings(None)
