# SPDX-License-Identifier: Apache-2.0
"""A real API server for the benchmarks, what it was asked, and a stand-in for one with more Pods than it can be given
in reasonable time. Used by k8s.py and fleet.py."""
import datetime
import http.client
import http.server
import json
import pathlib
import re
import shlex
import ssl
import subprocess
import threading
import time
import urllib.request

from agent import SCRATCH

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIR = SCRATCH / "cluster"
API_PORT, STAND_IN_PORT = 6443, 6444
AGENT = "system:serviceaccount:kube-nflog:kube-nflog"


def ipv4(net, number):
    return f"{net}.{number // 65536 % 256}.{number // 256 % 256}.{number % 256}"


class Cluster:
    def __init__(self):
        subprocess.run([ROOT / "tests/apiserver/cluster", "start", DIR], check=True)
        lines = (DIR / "env").read_text(encoding="utf-8").splitlines()
        self.env = {name: shlex.split(value)[0] for name, value in (line.split("=", 1) for line in lines)}
        self.kubeconfig = self.env["AGENT_KUBECONFIG"]

    def make_pods(self, words):
        command = [ROOT / "tests/apiserver/make-pods", f"--kubeconfig={self.env['KUBECONFIG']}", "-"]
        subprocess.run(command, input="\n".join(words), text=True, check=True)

    def requests(self, since=0.0, user=AGENT):
        """What has been asked since then, a tuple each: seconds since the epoch, verb, resource, status code. A watch
        counts when it begins."""
        seen, requests = set(), []
        for line in open(self.env["AUDIT_LOG"], encoding="utf-8"):
            if f'"{user}"' not in line:
                continue
            entry = json.loads(line)
            when = datetime.datetime.fromisoformat(entry["requestReceivedTimestamp"][:-1] + "+00:00").timestamp()
            if when < since or entry["auditID"] in seen or "objectRef" not in entry:
                continue
            seen.add(entry["auditID"])
            requests.append((when, entry["verb"], entry["objectRef"]["resource"], entry["responseStatus"]["code"]))
        return requests


def admin_connection():
    tls = ssl.create_default_context(cafile=DIR / "pki/ca.crt")
    tls.load_cert_chain(DIR / "pki/admin.crt", DIR / "pki/admin.key")
    return http.client.HTTPSConnection("127.0.0.1", API_PORT, context=tls, timeout=60)


class Server:
    """kube-apiserver as a process, and what etcd holds."""

    pid = property(lambda self: int((DIR / "apiserver.pid").read_text(encoding="ascii")))

    def cpu(self):
        return time.clock_gettime_ns(~self.pid << 3 | 2) / 1e9

    def rss(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024

    def etcd_bytes(self):
        page = urllib.request.urlopen("http://127.0.0.1:2379/metrics", timeout=10).read().decode()
        return float(re.search(r"^etcd_mvcc_db_total_size_in_use_in_bytes (\S+)$", page, re.M).group(1))


class Traffic:
    """Bytes between the API server and its clients, TCP and IP headers included, by rules that count them."""

    def __init__(self):
        for side in "--dport", "--sport":
            subprocess.run(["iptables", "-A", "INPUT", "-i", "lo", "-p", "tcp", side, str(API_PORT)], check=True)

    def bytes(self):
        """To the server, from it."""
        rules = subprocess.run(["iptables", "-nvxL", "INPUT"], check=True, capture_output=True, text=True).stdout
        counted = {side: int(number) for number, side in re.findall(r"^\s*\d+\s+(\d+) .* (dpt|spt):", rules, re.M)}
        return counted["dpt"], counted["spt"]


class PodText:
    """Pods as the API server writes them: the first of the tests' fixture, with a name, uid and address of its own."""

    def __init__(self):
        fixture = (ROOT / "tests/fixtures/k8s/pod_list.json").read_text(encoding="utf-8")
        self.text = json.dumps(json.loads(fixture)["items"][0], separators=(",", ":"), ensure_ascii=False)

    def pod(self, number):
        unique = f"{1000000 + number}"
        text = self.text.replace("5d9c7b6f48-x2x7k", f"5d9c7b6f48-{unique}").replace("1f6c3f1d0001", f"1f6c3{unique}")
        text = text.replace('"worker-1"', f'"worker-{number // 110}"').replace("10.1.2.3", ipv4(11, number))
        return text.replace("2001:db8:1::3", f"2001:db8:1::{unique[:4]}:{unique[4:]}")


class StandIn:
    """Answers one list of so many Pods and one watch with so many events, over TLS, then holds still."""

    def __init__(self, cluster, pods, events=0):
        self.pods, self.events, self.listed_bytes = pods, events, 0
        self.text, self.go = PodText(), threading.Event()
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                if "watch=1" in self.path:
                    stand_in.watch(self.chunk)
                else:
                    stand_in.list(self.chunk)
                    self.chunk("")

            def chunk(self, text):
                data = text.encode()
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
                return len(data)

        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(DIR / "pki/apiserver.crt", DIR / "pki/apiserver.key")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", STAND_IN_PORT), Handler)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.kubeconfig = SCRATCH / "stand-in.kubeconfig"
        config = pathlib.Path(cluster.kubeconfig).read_text(encoding="utf-8")
        self.kubeconfig.write_text(config.replace(f":{API_PORT}", f":{STAND_IN_PORT}"), encoding="utf-8")

    def list(self, chunk):
        sent = chunk('{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[')
        for first in range(0, self.pods, 10):
            pods = ",".join(self.text.pod(n) for n in range(first, min(first + 10, self.pods)))
            sent += chunk(("," if first else "") + pods)
        self.listed_bytes = sent + chunk("]}")

    def watch(self, chunk):
        """The events change each Pod in turn; one more, at the end, is a new Pod, so that the end can be seen."""
        lines = [f'{{"type":"MODIFIED","object":{self.text.pod(n)}}}\n' for n in range(min(self.pods, 1000))]
        self.go.wait()
        for first in range(0, self.events, 10):
            chunk("".join(lines[n % len(lines)] for n in range(first, first + 10)))
        chunk(f'{{"type":"ADDED","object":{self.text.pod(self.pods)}}}\n')
        time.sleep(3600)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
