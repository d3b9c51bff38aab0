"""Stored ids and parameters become words; hostile parameters stay what they are: words."""

import unicodedata
from datetime import timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.load import load
from catalog.messages import MAX_PARAM, placeholders, render
from catalog.model import Catalog, Lang, Text

CATALOG = load()
CHINA = timezone(timedelta(hours=8))


def with_template(shipped: Catalog, template: str) -> Catalog:
    messages = {**shipped.messages, "m": Text(zh=template, en=template)}
    return msgspec.structs.replace(shipped, messages=messages)


@pytest.mark.parametrize(
    ("template", "value", "zh", "en"),
    [
        ("{p}", "x", "x", "x"),
        ("{p}", 46.20000076293945, "46.2", "46.2"),
        ("{p}", 0.0, "0", "0"),
        ("{p}", 12345678, "12345678", "12345678"),
        ("{p}", True, "True", "True"),
        ("{p}", None, "‹p?›", "‹p?›"),
        ("{p}", {"zh": "风扇", "en": "fan"}, "风扇", "fan"),
        ("{p}", [{"zh": "风扇", "en": "fan"}, "x"], "风扇、x", "fan, x"),
        ("{p:signal}", "detector.temperature", "平板探测器温度", "Detector temperature"),
        ("{p:signal}", "no.such", "no.such", "no.such"),
        ("{p:fault}", "GEN-KV-01", "kV 达不到设定值", "kV not reached"),
        ("{p} {p:fault}", "GEN-KV-01", "GEN-KV-01 kV 达不到设定值", "GEN-KV-01 kV not reached"),
        ("{p}{p:named}", "GEN-KV-01", "GEN-KV-01（kV 达不到设定值）", "GEN-KV-01 (kV not reached)"),
        ("{p}{p:named}", "XYZ-99", "XYZ-99（目录未收录）", "XYZ-99 (unknown to the catalog)"),
        ("{p:family}", "detector.link", "平板探测器连接", "Detector link"),
        ("{p:family}", ["ups", "disk"], "不间断电源（UPS）、磁盘", "UPS, Disk"),
        ("{p:family}", "identity", "设备身份重复", "Duplicate identity"),
        ("{p:model}", "generic-dr", "通用数字化 X 射线摄影系统（DR）", "Generic digital radiography system (DR)"),
        ("{p:runbook}", "host-health", "工作站检查", "Workstation check"),
        ("{p:rule}", "limit:detector-hot", "平板探测器过热", "Detector too hot"),
        ("{p:rule}", "limit:no-such", "no-such", "no-such"),
        ("{p:subsystem}", "incubation", "反应槽", "reaction bath"),
        ("{p:step}", "host-health/disk", "磁盘空间", "Disk space"),
        ("{p:step}", "host-health/none", "host-health/none", "host-health/none"),
        ("{p:severity}", "major", "重要", "major"),
        ("{p:severity}", "new one", "new one", "new one"),
        ("{p} time{p:s}", 1, "1 time", "1 time"),
        ("{p} time{p:s}", 0, "0 times", "0 times"),
        ("{p} time{p:s}", "many", "many time", "many time"),
        ("{p:millis}", -65_000, "-1 分钟 5 秒", "-1 min 5 s"),
        ("{p:duration}", 200, "3 分钟 20 秒", "3 min 20 s"),
        ("{p:duration}", 90061.0, "1 天 1 小时", "1 d 1 h"),
        ("{p:duration}", 0, "0 秒", "0 s"),
        ("{p:duration}", 0.2, "0.2 秒", "0.2 s"),
        ("{p:duration}", -60, "-1 分钟", "-1 min"),
        ("{p:duration}", float("nan"), "nan", "nan"),
        ("{p:duration}", "soon", "soon", "soon"),
        ("{p:time}", 1_795_305_960_000, "2026-11-22 08:06:00 UTC+8", "2026-11-22 08:06:00 UTC+8"),
        ("{p:time}", "2026-11-22T00:06:00Z", "2026-11-22 08:06:00 UTC+8", "2026-11-22 08:06:00 UTC+8"),
        ("{p:time}", "2026-11-22T04:06:00", "2026-11-22 04:06:00", "2026-11-22 04:06:00"),
        ("{p:time}", 10**30, "∞", "∞"),
        ("{p:time}", "yesterday", "yesterday", "yesterday"),
    ],
)
def test_kinds(shipped: Catalog, template: str, value: object, zh: str, en: str) -> None:
    catalog = with_template(shipped, template)
    assert render("m", {"p": value}, "zh", catalog, tz=CHINA) == zh
    assert render("m", {"p": value}, "en", catalog, tz=CHINA) == en


@pytest.mark.parametrize(
    ("params", "zh", "en"),
    [
        ({"signal": "detector.temperature", "value": 42.6, "limit": 42.0}, "42.6 °C / 42 °C", "42.6 °C / 42 °C"),
        ({"signal": "detector.temperature", "value": 42.04, "limit": 42}, "42.04 °C / 42 °C", "42.04 °C / 42 °C"),
        ({"signal": "detector.temperature", "value": 41.96, "limit": 42}, "41.96 °C / 42 °C", "41.96 °C / 42 °C"),
        ({"signal": "detector.temperature", "value": 42.0, "limit": 42}, "42.0 °C / 42 °C", "42.0 °C / 42 °C"),
        ({"signal": "bath.temperature", "value": 37.600001, "limit": 37.6}, *["37.600001 °C / 37.6 °C"] * 2),
        ({"signal": "detector.nominal", "value": 0.0, "limit": 0.5}, "异常 / 0.5", "abnormal / 0.5"),
        ({"signal": "generator.arcs", "value": 11.0, "limit": 10}, "11 次 / 10 次", "11 / 10"),
        ({"signal": "photometer.lamp_hours", "value": 2.4, "limit": 2}, "2.4 小时 / 2 小时", "2.4 h / 2 h"),
        ({"signal": "host.clock_offset", "value": -6.5e4, "limit": -6e4},
         "-1 分钟 5 秒 / -1 分钟", "-1 min 5 s / -1 min"),
        ({"signal": "host.clock_offset", "value": 60_100.0, "limit": 6e4}, "60.1 秒 / 1 分钟", "60.1 s / 1 min"),
        ({"signal": "host.disk_free", "value": 123.4e9, "limit": 5e9}, "123.4 GB / 5.0 GB", "123.4 GB / 5.0 GB"),
        ({"value": 46.20000076293945, "unit": "furlong", "limit": 1}, *["46.2 furlong / 1 furlong"] * 2),
        ({"value": float("nan"), "limit": float("inf")}, "nan / inf", "nan / inf"),
        ({"signal": "detector.temperature", "value": "{p}", "limit": True}, "{p} / True", "{p} / True"),
    ],
)  # fmt: skip
def test_a_value_is_said_with_its_signals_digits_and_never_as_its_limit(
    shipped: Catalog, params: dict[str, object], zh: str, en: str
) -> None:
    catalog = with_template(shipped, "{value:quantity} / {limit:limit}")
    assert render("m", params, "zh", catalog) == zh
    assert render("m", params, "en", catalog) == en


@given(limit=st.floats(-1e6, 1e6), off=st.floats(1e-9, 1e3), above=st.booleans())
def test_over_reads_as_over_and_under_as_under(limit: float, off: float, above: bool) -> None:
    catalog = with_template(CATALOG, "{value:quantity}|{limit:limit}")
    limit = round(limit, 3)
    value = limit + off if above else limit - off
    shown = render("m", {"value": value, "limit": limit, "unit": "Cel"}, "en", catalog).replace(" °C", "")
    said, beside = (float(part) for part in shown.split("|"))
    assert said > beside if above else said < beside


FORMER = [
    ("alert.limit.above", {"signal": "detector.temperature", "value": 42.6, "unit": "Cel", "limit": 42.0},
     "平板探测器过热：42.6 °C，高于限值 42 °C", "Detector too hot: 42.6 °C, above the limit of 42 °C"),
    ("alert.limit.above", {"signal": "detector.temperature", "value": 41.0, "unit": "Cel", "limit": 40.0},
     "平板探测器温度：41.0 °C，高于限值 40 °C", "Detector temperature: 41.0 °C, above the limit of 40 °C"),
    ("alert.limit.below", {"signal": "detector.nominal", "value": 0.0, "unit": "1", "limit": 0.5},
     "平板探测器报告状态异常", "Detector reports abnormal conditions"),
    ("alert.silence.begun", {"silent_s": 180.0, "last": "2026-11-22T02:00:00+00:00"},
     "设备没有任何上报，最后一次是 2026-11-22 10:00:00 UTC+8",
     "Nothing is heard from the equipment; it last reported at 2026-11-22 10:00:00 UTC+8"),
    ("ticket.title.limit", {"family": "bath", "signal": "bath.temperature", "rule": "limit:bath-too-warm"},
     "反应槽温度过高", "Reaction bath too warm"),
    ("ticket.title", {"family": "bath", "code": "BTH-TMP-02"}, "反应槽过热保护", "Reaction bath overheat protection"),
    ("ticket.gap", {"from": "2026-11-22T02:00:00+00:00", "to": "2026-11-22T03:00:00+00:00", "count": 1},
     "2026-11-22 10:00:00 至 2026-11-22 11:00:00 UTC+8 的部分数据已丢失：1 条上报无法补回",
     ("Some of what the equipment said between 2026-11-22 10:00:00 and 2026-11-22 11:00:00 UTC+8 is lost: "
      "1 report can't come any more")),
]  # fmt: skip
"""Rows as former versions kept them: a limit without its rule, one that the catalog has no more, yes as a number."""


@pytest.mark.parametrize(("message", "params", "zh", "en"), FORMER, ids=[str(nth) for nth in range(len(FORMER))])
def test_what_former_versions_kept_is_said_as_now(
    shipped: Catalog, message: str, params: dict[str, object], zh: str, en: str
) -> None:
    assert render(message, params, "zh", shipped, model="generic-dr", tz=CHINA) == zh
    assert render(message, params, "en", shipped, model="generic-dr", tz=CHINA) == en


def test_two_times_with_two_offsets_are_both_marked(shipped: Catalog) -> None:
    """A clock that was put back between them: without their marks the later one would read as the earlier."""
    catalog = with_template(shipped, "{a:time} {b:time}")
    params = {"a": "2026-10-25T00:30:00Z", "b": "2026-10-25T01:00:00Z"}
    said = render("m", params, "en", catalog, tz=ZoneInfo("Europe/Berlin"))
    assert said == "2026-10-25 02:30:00 UTC+2 2026-10-25 02:00:00 UTC+1"
    assert render("m", params, "en", catalog, tz=timezone(timedelta(hours=-3, minutes=-30))).endswith(" UTC-3:30")
    assert render("m", params, "en", catalog).endswith("01:00:00 UTC")


@pytest.mark.parametrize(
    "hostile",
    ["{who}", "{0.__class__}", "{p}", "%(p)s", "{p:fault}", "\\1", "\\g<0>", "$p", "‹p?›", "{}", "{{", "<script>"],
)
def test_parameters_are_never_read_as_templates(shipped: Catalog, hostile: str) -> None:
    catalog = with_template(shipped, "a {p} b {who}")
    assert render("m", {"p": hostile, "who": "W"}, "en", catalog) == f"a {hostile} b W"


def test_missing_and_unknown_are_shown(shipped: Catalog) -> None:
    assert render("alert.code.unknown", {}, "en", shipped).startswith("The equipment reports code ‹code?›")
    assert render("no.such\x1b[31m", {}, "zh", shipped) == "‹no.such [31m?›"


def test_a_number_too_long_to_print(shipped: Catalog) -> None:
    catalog = with_template(shipped, "{p} {p:time} {p:duration}")
    assert render("m", {"p": 10**5000}, "en", catalog) == "∞ ∞ ∞"
    assert render("m", {"p": -(10**5000)}, "en", catalog) == "-∞ -∞ -∞"


def test_control_characters_and_length(shipped: Catalog) -> None:
    catalog = with_template(shipped, "{p}")
    assert render("m", {"p": "a\x00\x1b]0;t\x07\r\n\u202eb\ud800\u2028"}, "en", catalog) == "a  ]0;t    b  "
    assert render("m", {"p": "x" * 10_000}, "en", catalog) == "x" * MAX_PARAM + "…"


def test_the_devices_own_model_names_first(shipped: Catalog) -> None:
    one = shipped.models["host"]
    other = shipped.models["generic-dr"]
    named = {
        "a": one,
        "b": type(other)(
            **{name: getattr(other, name) for name in other.__struct_fields__ if name != "families"},
            families={"disk": type(one.families["disk"])(
                key="disk", name=Text(zh="存储", en="Storage"), subsystem="x", causes=(), parts=()
            )},
        ),
    }  # fmt: skip
    catalog = msgspec.structs.replace(load(), models=named, messages={"m": Text(zh="{p:family}", en="{p:family}")})
    assert render("m", {"p": "disk"}, "en", catalog) == "Disk"
    assert render("m", {"p": "disk"}, "en", catalog, model="b") == "Storage"
    assert render("m", {"p": "disk"}, "en", catalog, model="gone") == "Disk"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(
    message_id=st.sampled_from(sorted(CATALOG.messages)) | st.text(),
    values=st.lists(VALUES, min_size=1, max_size=8),
    lang=st.sampled_from(["zh", "en"]),
)
def test_never_raises_and_never_lets_a_control_character_through(
    message_id: str, values: list[Any], lang: Lang
) -> None:
    names = sorted({name for text in CATALOG.messages.values() for name, _ in placeholders(text.en)})
    params = {name: values[index % len(values)] for index, name in enumerate(names)}

    shown = render(message_id, params, lang, CATALOG, tz=CHINA)

    shown.encode("utf-8")
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\n"]


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), max_size=100))
def test_a_plain_parameter_is_shown_to_the_letter(value: str) -> None:
    shown = render("alert.code.unknown", {"code": value}, "en", CATALOG)
    assert shown == f"The equipment reports code {value}, which the catalog doesn't know"


def test_every_shipped_message_renders_with_its_parameters(shipped: Catalog) -> None:
    for message_id, text in shipped.messages.items():
        params = {name: 5 for name, _ in placeholders(text.zh)}
        for lang in ("zh", "en"):
            shown = render(message_id, params, lang, shipped)
            assert not set(shown) & set("{}‹›"), (message_id, shown)
