"""A manager adds a device in the page, starts the real agent by the file that it makes, and sees it be heard."""

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.fixtures.browser import ROOT, Console
from tests.fixtures.up import Up


def test_a_manager_adds_a_device_and_the_agent_starts_by_the_file_as_it_is(up: Up, page: Page, tmp_path: Path) -> None:
    dealer = up.get("/dealers")["items"][0]["id"]
    console = Console(page, up.run["http"])
    page.goto(f"{console.address}/devices/new")
    console.sign_in("wu.min", up.person("wu.min", role="manager", org=dealer))
    page.get_by_label("医院").fill("第一人民医院")
    page.get_by_label("院区或科室地点").fill("放射科")
    page.get_by_label("设备名称").fill("DR \u0623\u0634\u0639\u0629 🩻 1")
    page.get_by_label("型号").select_option("generic-dr")
    page.get_by_label("DICOM 文件夹").check()
    page.get_by_role("button", name="生成配置文件").click()
    expect(page.get_by_role("status").filter(has_text="正在等待第一次上报")).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="下载配置文件").click()
    folder = tmp_path / "box"
    folder.mkdir(mode=0o700)
    file = folder / downloading.value.suggested_filename
    downloading.value.save_as(file)
    file.chmod(0o600)
    (folder / "images").mkdir()
    (folder / "mqtt-password").write_text(up.run["mqtt_password"], encoding="utf-8")  # as the page asks
    (folder / "mqtt-password").chmod(0o600)
    with (tmp_path / "agent.log").open("wb") as log:
        agent = subprocess.Popen([sys.executable, "-m", "agent", str(file)], cwd=ROOT, stdout=log, stderr=log)
    try:
        heard = page.get_by_role("status").filter(has_text="已收到上报")
        expect(heard, (tmp_path / "agent.log").read_text(encoding="utf-8")).to_be_visible(timeout=60_000)
        heard.get_by_role("link").click()
        expect(page.locator(".detail .title")).to_have_text("DR \u0623\u0634\u0639\u0629 🩻 1")
        expect(page.locator(".detail")).to_contain_text("代理程序所在主机")
        expect(page.locator(".row.device")).to_have_count(1)
        page.get_by_text("采集哪些内容").click()
        expect(page.locator(".detail")).to_contain_text("患者信息不在其中")
    finally:
        agent.terminate()
        agent.wait(30)
    assert console.complaints == []
