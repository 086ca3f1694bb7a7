"""nginx as a well-set file server, for the same files at the same address."""

import getpass

# No access log, as Clipsy writes none for media; one worker per core; files by sendfile, from open
# descriptors that are kept; connections that are never closed because of their age.
CONFIG = """
daemon off;
user {user};
worker_processes auto;
worker_rlimit_nofile 8192;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 65;
    keepalive_requests 1000000000;
    open_file_cache max=2000 inactive=60s;
    open_file_cache_valid 60s;
    open_file_cache_min_uses 1;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
    server {{
        listen 127.0.0.1:{port} reuseport backlog=4096;
        location {address} {{
            alias {files};
            add_header Cache-Control "public, max-age=31536000, immutable";
            add_header Access-Control-Allow-Origin "*";
        }}
    }}
}}
"""


def argv(nginx, folder, port, address, files):
    """The command that serves the folder `files` at the path `address`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    text = CONFIG.format(user=getpass.getuser(), folder=folder, port=port, address=address, files=files)
    config.write_text(text, encoding="utf-8")
    return [*nginx, "-p", folder, "-e", folder / "error.log", "-c", config]
