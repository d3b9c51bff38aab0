import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from people.login.credentials import Passwords, code_hash, is_token, mint_code, mint_token, token_hash
from people.login.limits import Attempts, network_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def test_tokens_are_256_random_bits_that_scanners_recognise() -> None:
    tokens = {mint_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(is_token(token) and len(token) == 46 for token in tokens)
    assert not is_token("st_" + "a" * 42)
    assert not is_token("st_" + "a" * 42 + "\n")
    assert len(token_hash(mint_token())) == 32


def test_a_code_can_be_read_aloud_and_typed_badly() -> None:
    for code in (mint_code() for _ in range(200)):
        assert len(code) == 14
        assert not set(code) & set("ILOU")
        assert code_hash(code) == code_hash(code.lower().replace("-", "").replace("0", "O").replace("1", "i"))
        assert code_hash(code) != code_hash(mint_code())


@given(st.text(max_size=30))
def test_what_is_no_code_has_no_hash(text: str) -> None:
    hashed = code_hash(text)
    assert hashed is None or len(hashed) == 32
    assert code_hash(text + "U") is None


def test_passwords() -> None:
    async def scenario() -> list[bool]:
        passwords = Passwords()
        stored = await passwords.hash("口令")
        assert stored.startswith("$argon2id$")
        return [
            await passwords.verify(stored, "口令"),
            await passwords.verify(stored, "other"),
            await passwords.verify(None, "口令"),
            await passwords.verify("not a hash", "口令"),
        ]

    assert asyncio.run(scenario()) == [True, False, False, False]


def test_nobodys_hash_costs_what_a_real_one_costs() -> None:
    async def scenario() -> tuple[str, str]:
        passwords = Passwords()
        return await passwords.hash("x"), passwords._nobody

    real, nobody = asyncio.run(scenario())
    assert [len(part) for part in real.split("$")] == [len(part) for part in nobody.split("$")]
    assert real.split("$")[:4] == nobody.split("$")[:4], "the same algorithm, version and cost"


def test_attempts_are_counted_within_a_window() -> None:
    attempts = Attempts(most=3, within=timedelta(seconds=60))
    for second in (0, 10, 20):
        assert attempts.wait_s("a", NOW + timedelta(seconds=second)) == 0
        attempts.begin("a", NOW + timedelta(seconds=second))
    assert attempts.wait_s("a", NOW + timedelta(seconds=20)) == 40
    assert attempts.wait_s("b", NOW + timedelta(seconds=20)) == 0
    assert attempts.wait_s("a", NOW + timedelta(seconds=59.5)) == 1
    assert attempts.wait_s("a", NOW + timedelta(seconds=60)) == 0
    attempts.begin("a", NOW + timedelta(seconds=60))
    assert attempts.wait_s("a", NOW + timedelta(seconds=60)) == 10


def test_failures_of_before_the_clock_was_put_back_lock_nobody_out() -> None:
    attempts = Attempts(most=1, within=timedelta(seconds=60))
    attempts.begin("a", NOW)
    assert attempts.wait_s("a", NOW - timedelta(seconds=1)) > 0, "requests overtake one another"
    assert attempts.wait_s("a", NOW - timedelta(hours=2)) == 0


def test_a_success_takes_back_its_own_attempt_only() -> None:
    attempts = Attempts(most=2, within=timedelta(seconds=60))
    attempts.begin("a", NOW)
    later = NOW + timedelta(seconds=1)
    attempts.begin("a", later)
    attempts.withdraw("a", later)
    attempts.withdraw("nobody", later)
    assert attempts.wait_s("a", later) == 0
    attempts.begin("a", later)
    assert attempts.wait_s("a", later) == 59
    attempts.forget("a")
    assert attempts.wait_s("a", later) == 0


def test_made_up_keys_do_not_fill_the_memory() -> None:
    attempts = Attempts(most=1, within=timedelta(seconds=60), keys=10)
    for number in range(1000):
        attempts.begin(number, NOW)
    assert len(attempts._attempts) == 10
    assert attempts.wait_s(999, NOW) == 60


def test_a_network_is_what_one_customer_has() -> None:
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert network_of("") == ""
    assert network_of("unix socket") == "unix socket"
