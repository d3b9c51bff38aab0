"""What is on this machine: the catalog, certificates' files, disks, and the processes that serve /readyz."""

import asyncio
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from agent.show.findings import Finding, fail, ok, warn
from catalog.check import main_lines
from catalog.load import SHIPPED
from catalog.model import Text
from steth.doctor.broker import judge_expiry
from steth.expiry import last_moment
from steth.settings import Settings

GIB: Final = 1024**3
DISK_WARN: Final = 0.10
DISK_FAIL: Final = 0.02
READY_S: Final = 5.0


def check_catalog(settings: Settings) -> Finding:
    """The catalog that the processes would load."""
    folder = Path(settings.catalog) if settings.catalog else SHIPPED
    wrong = main_lines(folder)
    if not wrong:
        return ok("catalog", zh="目录无误", en="the catalog is in order")
    return fail(
        "catalog",
        zh=f"{len(wrong)} 处错误，第一处：{wrong[0]}",
        en=f"{len(wrong)} mistakes, the first: {wrong[0]}",
        todo=Text(zh=f"运行 steth catalog check {folder}", en=f"run `steth catalog check {folder}`"),
    )


def check_certificates(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The files of mqtt_ca, mqtt_cert and mqtt_key: readable, in date, belonging together."""
    found: dict[str, x509.Certificate] = {}
    for name in ("mqtt_ca", "mqtt_cert"):
        path: str = getattr(settings, name)
        if not path:
            continue
        try:
            ends = last_moment(Path(path))
            found[name] = x509.load_pem_x509_certificate(Path(path).read_bytes())
        except (OSError, ValueError) as error:
            yield _unusable(name, path, error)
            continue
        yield judge_expiry(f"certificate.{name}", ends, authority=name == "mqtt_ca", now=now)
    if "mqtt_cert" not in found:
        return
    path = settings.mqtt_key or settings.mqtt_cert
    try:
        key = load_pem_private_key(Path(path).read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        yield _unusable("mqtt_key", path, error)
        return
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != found["mqtt_cert"].public_key().public_bytes(*form):
        yield fail(
            "certificate.mqtt_key",
            zh="私钥与证书不匹配",
            en="the key is not the certificate's",
            todo=Text(zh="把 mqtt_cert 与 mqtt_key 成对更换", en="put the pair that belongs together into place"),
        )
    else:
        yield ok("certificate.mqtt_key", zh="私钥与证书匹配", en="the key is the certificate's")


def _unusable(name: str, path: str, error: Exception) -> Finding:
    why = error.strerror if isinstance(error, OSError) else "not PEM"
    todo = Text(zh="核对路径、权限和格式", en="check the path, who may read it, and that it is PEM")
    return fail(f"certificate.{name}", zh=f"{path} 无法使用：{why}", en=f"{path} can't be used: {why}", todo=todo)


def check_disks(folders: Sequence[Path]) -> Iterator[Finding]:
    """The disks of these folders, each once."""
    seen: set[int] = set()
    for folder in folders:
        try:
            device = folder.stat().st_dev
            usage = shutil.disk_usage(folder)
        except OSError as error:
            yield fail(
                "disk",
                zh=f"{folder}：{error.strerror}",
                en=f"{folder}: {error.strerror}",
                todo=Text(zh="检查挂载与权限", en="check that it is mounted and may be read"),
            )
            continue
        if device not in seen:
            seen.add(device)
            yield judge_disk(folder, free=usage.free, total=usage.total)


def judge_disk(folder: Path, *, free: int, total: int) -> Finding:
    """Room on a disk, in bytes."""
    share = free / total if total else 0.0
    said = {
        "zh": f"{folder} 剩余 {free / GIB:.1f} GiB（{share:.0%}）",
        "en": f"{folder} has {free / GIB:.1f} GiB left ({share:.0%})",
    }
    todo = Text(zh="清理或扩容；可缩短 keep_raw_days", en="make room or enlarge it; keep_raw_days may be shortened")
    if share < DISK_FAIL:
        return fail("disk", **said, todo=todo)
    return warn("disk", **said, todo=todo) if share < DISK_WARN and free < 20 * GIB else ok("disk", **said)


async def check_processes(addresses: Mapping[str, str]) -> list[Finding]:
    """/readyz of each process: name → http://host:port."""
    async with httpx.AsyncClient(timeout=READY_S) as client:
        return await asyncio.gather(*(_process(client, name, url) for name, url in addresses.items()))


async def _process(client: httpx.AsyncClient, name: str, url: str) -> Finding:
    check = f"process.{name}"
    try:
        answer = await client.get(f"{url}/readyz")
    except httpx.HTTPError as error:
        why = type(error).__name__
        return fail(
            check,
            zh=f"{url} 无应答（{why}）",
            en=f"{url} does not answer ({why})",
            todo=Text(zh=f"启动 steth {name}，查看其日志", en=f"start `steth {name}`, and read its log"),
        )
    if answer.status_code == httpx.codes.OK:
        return ok(check, zh=f"{url} 就绪", en=f"{url} is ready")
    detail = _detail(answer)
    return fail(
        check,
        zh=f"{url} 未就绪：{detail}",
        en=f"{url} is not ready: {detail}",
        todo=Text(
            zh="先处理数据库与消息服务器的故障，再看其日志", en="mend what else is broken here, then read its log"
        ),
    )


def _detail(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return answer.text.strip()[:200]
    said = body.get("detail", body) if isinstance(body, dict) else body
    return str(said)[:200]
