import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from agent.config.addresses import proxy_of
from agent.errors import AgentError
from agent.uplink.enrol import Identity, Unreachable, enrol, stored
from tests.fixtures.ports import free_port
from tests.fixtures.proxy import Proxy
from tests.unit.agent_core.api import Api

CODE = "WXYZ-2345"


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.close()


def test_a_code_becomes_an_identity_that_is_kept_for_its_owner_alone(api: Api, tmp_path: Path) -> None:
    assert stored(tmp_path, "dr-1") is None
    identity = enrol(tmp_path, "dr-1", api=api.url, code=CODE)
    assert identity == stored(tmp_path, "dr-1") == Identity(device="dabc123456789", mqtt="mqtts://broker.example")
    assert api.asked == [("/api/v1/enrol", {"code": CODE})]
    [kept] = tmp_path.iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert CODE not in kept.read_text()


@pytest.mark.parametrize("status", [400, 401, 404, 409, 410, 422])
def test_a_refused_code_says_what_to_do(api: Api, tmp_path: Path, status: int) -> None:
    api.status = status
    with pytest.raises(AgentError, match="ask for a new one") as refused:
        enrol(tmp_path, "dr-1", api=api.url, code=CODE)
    assert not isinstance(refused.value, Unreachable)
    assert CODE not in str(refused.value)
    assert stored(tmp_path, "dr-1") is None


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_server_in_trouble_is_asked_again(api: Api, tmp_path: Path, status: int) -> None:
    api.status = status
    with pytest.raises(Unreachable, match=f"answers {status}"):
        enrol(tmp_path, "dr-1", api=api.url, code=CODE)


def test_nobody_there_is_told_with_the_address(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Unreachable, match=r"can't be reached .*Connection refused.*check"):
        enrol(tmp_path, "dr-1", api=url, code=CODE)


@pytest.mark.parametrize("body", [b"", b"<html>", {"device": 5}, {"device": "dabc123456789"}])
def test_an_answer_that_is_none_is_not_kept(api: Api, tmp_path: Path, body: Any) -> None:
    api.body = body
    with pytest.raises(AgentError):
        enrol(tmp_path, "dr-1", api=api.url, code=CODE)
    assert stored(tmp_path, "dr-1") is None


def test_an_answer_with_a_hostile_id_is_not_kept(api: Api, tmp_path: Path) -> None:
    api.body = {"device": "../../etc/passwd", "mqtt": "mqtt://b"}
    with pytest.raises(AgentError, match="no device id"):
        enrol(tmp_path, "dr-1", api=api.url, code=CODE)
    assert not list(tmp_path.iterdir())


def test_a_torn_identity_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "dr-1.identity.json").write_text('{"device": "dab')
    with pytest.raises(AgentError, match="restore it, or remove it"):
        stored(tmp_path, "dr-1")


class TestThroughAProxy:
    def test_it_is_asked_for_the_way_to_the_server(self, api: Api, tmp_path: Path) -> None:
        with Proxy(user="agent:s3cret") as between:
            way = proxy_of(between.url, username="agent", password="s3cret")
            identity = enrol(tmp_path, "dr-1", api=api.url, code=CODE, proxy=way)
        assert identity == Identity(device="dabc123456789", mqtt="mqtts://broker.example")
        assert between.asked == [api.url.removeprefix("http://").rstrip("/")]
        assert between.opened == 1

    @pytest.mark.parametrize(
        ("username", "answer", "said"),
        [
            (None, None, r"wants no user \(407\); correct proxy_username"),
            ("agent", b"HTTP/1.1 403 Forbidden\r\n\r\n", r"refuses the way to 127.0.0.1:\d+ \(403\)"),
            ("agent", b"HTTP/1.1 500 CANARY\r\n\r\n", r"refuses the way to 127.0.0.1:\d+ \(500\)"),
        ],
    )
    def test_what_it_refuses_is_tried_again(
        self, api: Api, tmp_path: Path, username: str | None, answer: bytes | None, said: str
    ) -> None:
        with Proxy(user="agent:s3cret") as between:
            between.answer = answer
            way = proxy_of(between.url, username=username, password="s3cret")
            with pytest.raises(Unreachable, match=said) as refused:
                enrol(tmp_path, "dr-1", api=api.url, code=CODE, proxy=way)
        assert not api.asked
        assert "s3cret" not in str(refused.value)
        assert "CANARY" not in str(refused.value)

    def test_with_tls_to_the_server(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        authority = trustme.CA()
        made = Api(certificate=authority.issue_cert("localhost"))
        with authority.cert_pem.tempfile() as trusted, Proxy() as between:
            url = made.url.replace("127.0.0.1", "localhost")
            with pytest.raises(Unreachable, match="certificate verify failed"):
                enrol(tmp_path, "dr-1", api=url, code=CODE, proxy=proxy_of(between.url))
            monkeypatch.setenv("SSL_CERT_FILE", trusted)
            assert enrol(tmp_path, "dr-1", api=url, code=CODE, proxy=proxy_of(between.url)).device == "dabc123456789"
        made.close()
        assert between.opened == 2

    def test_the_environment_s_proxy_is_not_asked(
        self, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
        assert enrol(tmp_path, "dr-1", api=api.url, code=CODE).device == "dabc123456789"
