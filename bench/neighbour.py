"""collectd of Debian 13 beside the agent: the same host, the same log file, the same broker, C instead of Python."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.fixtures.trixie import Tree

INTERVAL_S: Final = 10
"""collectd's own default, and what the agent beside it is given."""
_PLUGINS: Final = ("cpu", "memory", "df", "disk", "interface", "uptime", "contextswitch", "tail", "mqtt")
_CONFIG: Final = """\
Hostname "bench"
FQDNLookup false
Interval {interval}
BaseDir "{folder}"
PluginDir "{root}/usr/lib/collectd"
TypesDB "{root}/usr/share/collectd/types.db"
{loads}
<Plugin tail>
  <File "{folder}/dr.log">
    Instance "dr"
    <Match>
      Regex "ERROR"
      DSType "CounterInc"
      Type "counter"
      Instance "errors"
    </Match>
  </File>
</Plugin>
<Plugin mqtt>
  <Publish "broker">
    Host "127.0.0.1"
    Port "{mqtt}"
    ClientId "neighbour"
    QoS 1
    Prefix "neighbour"
  </Publish>
</Plugin>
"""


@contextlib.contextmanager
def collectd(*, tree: Tree, folder: Path, mqtt: int) -> Iterator[int]:
    """Its process id while it runs. Not in a chroot, where there is no /proc, but with the tree's own libraries."""
    config = folder / "collectd.conf"
    config.write_text(
        _CONFIG.format(
            interval=INTERVAL_S,
            folder=folder,
            root=tree.root,
            loads="\n".join(f"LoadPlugin {name}" for name in _PLUGINS),
            mqtt=mqtt,
        )
    )
    root = tree.root
    libraries = f"{root}/usr/lib/x86_64-linux-gnu:{root}/lib/x86_64-linux-gnu"
    with (folder / "collectd.log").open("ab") as log:
        process = subprocess.Popen(
            [f"{root}/lib64/ld-linux-x86-64.so.2", "--library-path", libraries, f"{root}/usr/sbin/collectd", "-f",
             "-C", str(config), "-P", str(folder / "collectd.pid")],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)
