"""Stored ids and parameters become words; hostile parameters stay what they are: words."""

import unicodedata
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.load import load
from catalog.messages import MAX_PARAM, placeholders, render
from catalog.model import Catalog, Lang, Text

CHINA = timezone(timedelta(hours=8))


def with_template(shipped: Catalog, template: str) -> Catalog:
    messages = {**shipped.messages, "m": Text(zh=template, en=template)}
    return Catalog(models=shipped.models, runbooks=shipped.runbooks, parts=shipped.parts, messages=messages)


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
        ("{p:family}", "detector.link", "平板探测器连接", "Detector link"),
        ("{p:family}", ["ups", "disk"], "不间断电源（UPS）、磁盘", "UPS, Disk"),
        ("{p:family}", "identity", "设备身份重复", "Duplicate identity"),
        ("{p:model}", "generic-dr", "通用数字化 X 射线摄影系统（DR）", "Generic digital radiography system (DR)"),
        ("{p:runbook}", "host-health", "工作站体检", "Workstation health"),
        ("{p:step}", "host-health/disk", "磁盘空间", "Disk space"),
        ("{p:step}", "host-health/none", "host-health/none", "host-health/none"),
        ("{p:severity}", "major", "重要", "major"),
        ("{p:severity}", "new one", "new one", "new one"),
        ("5{p:unit}", "Cel", "5 °C", "5 °C"),
        ("5{p:unit}", "%", "5%", "5%"),
        ("5{p:unit}", "1", "5", "5"),
        ("5{p:unit}", "furlong", "5 furlong", "5 furlong"),
        ("{p:duration}", 200, "3 分钟 20 秒", "3 min 20 s"),
        ("{p:duration}", 90061.0, "1 天 1 小时", "1 d 1 h"),
        ("{p:duration}", 0, "0 秒", "0 s"),
        ("{p:duration}", 0.2, "0.2 秒", "0.2 s"),
        ("{p:duration}", -60, "-1 分钟", "-1 min"),
        ("{p:duration}", float("nan"), "nan", "nan"),
        ("{p:duration}", "soon", "soon", "soon"),
        ("{p:time}", 1_795_305_960_000, "2026-11-22 08:06:00", "2026-11-22 08:06:00"),
        ("{p:time}", "2026-11-22T00:06:00Z", "2026-11-22 08:06:00", "2026-11-22 08:06:00"),
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
    catalog = Catalog(models=named, runbooks={}, parts={}, messages={"m": Text(zh="{p:family}", en="{p:family}")})
    assert render("m", {"p": "disk"}, "en", catalog) == "Disk"
    assert render("m", {"p": "disk"}, "en", catalog, model="b") == "Storage"
    assert render("m", {"p": "disk"}, "en", catalog, model="gone") == "Disk"


CATALOG = load()
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
