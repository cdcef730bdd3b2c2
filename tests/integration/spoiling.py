"""A proxy before an S3 server that spoils its answers; a process of its own, because libraries hold the GIL meanwhile.

`lost`: the server does what it is asked, and nobody hears of it. `generous`: of two who may not both write both are told
that they have.
"""

import re
import sys
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_HOP = {"connection", "transfer-encoding", "keep-alive", "date", "server"}


class Spoiling(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_port, how, pattern, times = 0, "", re.compile(""), 0

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        upstream = HTTPConnection("127.0.0.1", self.server_port, timeout=60)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders(body)
        answer = upstream.getresponse()
        content, status = answer.read(), answer.status
        if self.command == "PUT" and self.pattern.search(self.path) and type(self).times > 0:
            type(self).times -= 1
            if self.how == "lost":
                self.close_connection = True
                return
            if status == 412:
                status, content = 200, b""
                answer.headers["ETag"] = '"as if"'
        self.send_response_only(status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP and not (name.lower() == "content-length" and self.command != "HEAD"):
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815 - as the server looks for them

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the addresses of requests are nobody's business."""


if __name__ == "__main__":
    port, Spoiling.server_port, Spoiling.how = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    Spoiling.pattern, Spoiling.times = re.compile(sys.argv[4]), int(sys.argv[5])
    ThreadingHTTPServer(("127.0.0.1", port), Spoiling).serve_forever()
