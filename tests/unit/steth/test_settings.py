"""What the settings make of addresses, and what they say of where messages may go."""

from ipaddress import ip_network

import pytest

from desk.telling.targets import Listed
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


def test_the_deployments_own_hosts_are_those_of_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "DSN_INGEST": "host=db,db2 dbname=steth user=steth_ingest password=s3cret",
        "DSN_OWNER": "postgresql://steth_owner@[fd00::5]:5432/steth",
        "DSN_API": "host=/run/postgresql dbname=steth hostaddr=10.1.0.5",
        "MQTT": "mqtts://user:s3cret@mosquitto:8884",
        "HTTP": "[::1]:8420",
        "PUBLIC_URL": "https://steth.example/",
        "TELL_PRIVATE": "10.20.0.0/16:443, hook.house",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"STETH_{name}", value)
    bounds = Settings().bounds()
    assert set(bounds.own) == {"db", "db2", "fd00::5", "10.1.0.5", "mosquitto", "::1", "steth.example"}
    assert bounds.listed == (Listed(network=ip_network("10.20.0.0/16"), port=443), Listed(name="hook.house"))


@pytest.mark.parametrize(("name", "value"), [("dsn_owner", "s3cret"), ("public_url", "https://[s3cret/")])
def test_a_setting_that_cant_be_read_is_named_and_not_quoted(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is no address that can be read$"):
        Settings(**{name: value}).bounds()  # type: ignore[arg-type]


def test_a_list_that_cant_be_read_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STETH_TELL_PRIVATE", "hook.house 10.0.0.0/33")
    with pytest.raises(SettingsError, match=r"^tell_private: 10\.0\.0\.0/33: give a host's name"):
        Settings().bounds()


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
