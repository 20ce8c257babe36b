"""The files of deploy/ as they are, but for addresses and folders: those of a test's own servers."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests.browser.site import BASE_DIR

DEPLOY = BASE_DIR / "deploy"


def substituted(name: str, replacements: Mapping[str, str]) -> str:
    """The text of a file in deploy/ with each of these replaced; fails where one is not there."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for old, new in replacements.items():
        assert old in text, f"deploy/{name} has no {old!r}"
        text = text.replace(old, new)
    return text


def certificate(folder: Path, host: str) -> Path:
    """A certificate for an address in numbers, signed by its own key; the key lies beside it as privkey.pem."""
    made = folder / "fullchain.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=Undersigned", "-addext"),
            *(f"subjectAltName=IP:{host}", "-keyout", folder / "privkey.pem", "-out", made),
        ],
        check=True,
        capture_output=True,
    )
    return made


def nginx(folder: Path, *, http: int, https: int, nodes: Sequence[int]) -> Path:
    """A configuration of nginx with all it writes under `folder`, and deploy/nginx.conf in it, on loopback alone."""
    host = "127.0.0.1"
    certificate(folder, host)
    servers = "\n".join(f"    server {host}:{port} fail_timeout=5s;" for port in nodes)
    site = substituted(
        "nginx.conf",
        {
            "    server 127.0.0.1:8000 fail_timeout=5s;": servers,
            "listen 80;": f"listen {host}:{http};",
            "listen [::]:80;": "",
            "listen 443 ssl": f"listen {host}:{https} ssl",
            "listen [::]:443 ssl http2;": "",
            "server_name letters.example.org;": f"server_name {host};",
            "/etc/ssl/undersigned/": f"{folder}/",
            "/var/cache/undersigned": f"{folder}/cache",
            "/var/log/nginx/": f"{folder}/",
        },
    )
    (folder / "undersigned.conf").write_text(site, encoding="utf-8")
    temporary = "\n".join(
        f"    {name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        # As root its processes would be another user's, who may not look into the test's folder.
        ("user root;\n" if os.geteuid() == 0 else "")
        + f"""daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
{temporary}
    include {folder}/undersigned.conf;
}}
""",
        encoding="utf-8",
    )
    return main


def pgbouncer(folder: Path, *, port: int, database_url: str, user: str, password: str) -> Path:
    """deploy/pgbouncer.ini before the database of that URL, which `user` reaches by this password."""
    server = conninfo_to_dict(database_url)
    database = server.pop("dbname")
    address = " ".join(f"{name}={value}" for name, value in server.items() if value)
    users = folder / "userlist.txt"
    users.write_text(f'"{user}" "{password}"\n', encoding="utf-8")
    ini = folder / "pgbouncer.ini"
    ini.write_text(
        substituted(
            "pgbouncer.ini",
            {
                "undersigned = host=127.0.0.1 port=5432 dbname=undersigned": (
                    f"{database} = {address} dbname={database}"
                ),
                "listen_port = 6432": f"listen_port = {port}",
                "/etc/pgbouncer/userlist.txt": str(users),
            },
        ),
        encoding="utf-8",
    )
    return ini
